"""States of any number of memories that filters select, and edits of many at once."""

import pytest

from memories.models import Memory, Revision, StateChange
from tests.cast import errors_of


@pytest.fixture
def stored(alice):
    """Ids by metadata."""
    return {
        n: alice.remember(f"Plant {n} needs water", infer=False, metadata={"n": n})["id"]
        for n in range(4)
    }


def states():
    return list(Memory.objects.order_by("arrival").values_list("state", flat=True))


FEW = {"metadata": {"n": {"gte": 2}}}


@pytest.mark.parametrize(
    ("method", "path", "extra", "participle", "state"),
    [
        ("post", "/memories/actions/pause", {}, "paused", "paused"),
        ("post", "/memories/actions/pause", {"state": "archived"}, "archived", "archived"),
        ("post", "/memories/actions/archive", {}, "archived", "archived"),
        ("delete", "/memories", {}, "deleted", "deleted"),
    ],
)
def test_filters_select_any_number(alice, bob, stored, method, path, extra, participle, state):
    bob.remember("Plant 9", metadata={"n": 9})
    answer = getattr(alice, method)(path, {"filters": FEW, **extra})

    assert answer.status_code == 200, answer.content
    assert answer.json() == {"message": f"Successfully {participle} 2 memories", "count": 2}
    assert states() == ["active", "active", state, state, "active"]
    changes = StateChange.objects.filter(new_state=state)
    assert {change.key for change in changes} == {alice.key} or state == "active"
    again = getattr(alice, method)(path, {"filters": FEW, **extra})
    assert again.json()["count"] == 0


def test_paused_memories_are_resumed_and_archived_ones_are_not(alice, stored):
    alice.post("/memories/actions/pause", {"memory_ids": [stored[2]]})
    alice.post("/memories/actions/archive", {"memory_ids": [stored[3]]})
    answer = alice.post("/memories/actions/pause", {"filters": FEW, "state": "active"})

    assert answer.json()["count"] == 1
    assert states() == ["active", "active", "active", "archived"]
    assert alice.delete("/memories", {"filters": FEW}).json()["count"] == 1
    assert states() == ["active", "active", "deleted", "archived"]


@pytest.mark.parametrize(
    "body",
    [
        {"filters": {}},
        {"filters": {"actors": []}},
        {"filters": {"metadata": {}}},
        {"filters": None},
        {"filters": {"metadata": {"n": {"near": 2}}}},
        {"filters": {"category": "plants"}},
        {"filters": FEW, "memory_ids": ["00000000-0000-0000-0000-000000000001"]},
        {},
    ],
)
@pytest.mark.parametrize("path", ["/memories/actions/pause", "/memories/actions/archive", ""])
def test_filters_that_select_nothing_or_everything_are_refused(alice, stored, path, body):
    call = alice.post if path else alice.delete
    answer = call(path or "/memories", body)

    assert answer.status_code == 400, answer.content
    assert errors_of(answer)
    assert states() == ["active"] * 4


CHANGES = {
    "metadata": {"n": None, "room": {"light": 3}},
    "categories": ["Plants", "home"],
    "actor": "Ana",
    "conversation": None,
    "timestamp": 1_700_000_000,
}


def without_moments(value):
    if isinstance(value, dict):
        return {
            key: without_moments(inner)
            for key, inner in value.items()
            if key not in ("id", "memory_id", "at", "changed_at", "time", "created_at")
        }
    return [without_moments(each) for each in value] if isinstance(value, list) else value


def test_many_are_edited_as_each_would_be(alice, bob):
    for member in (alice, bob):
        for n in range(3):
            member.remember("Plant needs water", infer=False, metadata={"n": n, "room": {"a": 1}})
        member.remember("Plant", infer=False, actor="Ana", timestamp=1_700_000_000)

    each = [
        alice.patch(f"/memories/{pk}", CHANGES).json()
        for pk in Memory.objects.owned_by(alice.user)
        .order_by("arrival")
        .values_list("pk", flat=True)
    ]
    ids = [
        str(pk)
        for pk in Memory.objects.owned_by(bob.user).order_by("arrival").values_list("pk", flat=True)
    ]
    answer = bob.patch("/memories/bulk", {"ids": ids, "changes": CHANGES})

    assert answer.json() == {"matched": 4, "changed": 4}
    for pk, edited in zip(ids, each, strict=True):
        shown = bob.get(f"/memories/{pk}").json()
        assert without_moments(shown) | {"app_id": None} == without_moments(edited) | {
            "app_id": None
        }
        of_each = alice.get(f"/memories/{edited['id']}/history").json()["items"]
        assert len(of_each) == len(bob.get(f"/memories/{pk}/history").json()["items"]) == 2
    alices, bobs = (
        Memory.objects.owned_by(member.user).order_by("arrival") for member in (alice, bob)
    )
    assert [row.version for row in alices] == [row.version for row in bobs] == [2] * 4
    assert [row.words for row in alices] == [row.words for row in bobs]
    kept = ("content", "metadata", "categories", "actor", "conversation", "said_at", "edits_text")
    assert sorted(map(str, Revision.objects.filter(memory__in=alices).values_list(*kept[:-2]))) == (
        sorted(map(str, Revision.objects.filter(memory__in=bobs).values_list(*kept[:-2])))
    )
    again = bob.patch("/memories/bulk", {"ids": ids, "changes": CHANGES})
    assert again.json() == {"matched": 4, "changed": 0}
    assert Revision.objects.count() == 8


def test_an_edit_of_many_takes_filters(alice, stored):
    answer = alice.patch("/memories/bulk", {"filters": FEW, "changes": {"actor": "Ana"}})

    assert answer.json() == {"matched": 2, "changed": 2}
    assert list(Memory.objects.order_by("arrival").values_list("actor", flat=True)) == [
        "", "", "Ana", "Ana",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"ids": ["{0}"]}, 400),
        ({"ids": ["{0}"], "changes": {}}, 400),
        ({"ids": ["{0}"], "changes": {"text": "a"}}, 400),
        ({"ids": ["{0}"], "changes": {"aktor": "a"}}, 400),
        ({"ids": [], "changes": {"actor": "a"}}, 400),
        ({"changes": {"actor": "a"}}, 400),
        ({"filters": {}, "changes": {"actor": "a"}}, 400),
        ({"ids": ["{0}"], "filters": FEW, "changes": {"actor": "a"}}, 400),
        ({"ids": ["{0}", "00000000-0000-0000-0000-000000000001"], "changes": {"actor": "a"}}, 404),
        ({"ids": ["{0}", "{1}"], "changes": {"actor": "a"}}, 409),
        ({"ids": ["{0}", "{2}"], "changes": {"metadata": {"b": "x" * 16_000}}}, 400),
    ],
)
def test_many_are_edited_all_or_none(alice, stored, body, status):
    alice.delete(f"/memories/{stored[1]}")
    alice.patch(f"/memories/{stored[2]}", {"metadata": {"a": "x" * 1000}})
    if "ids" in body:
        body = {**body, "ids": [each.format(*stored.values()) for each in body["ids"]]}

    answer = alice.patch("/memories/bulk", body)

    assert answer.status_code == status, answer.content
    assert not Memory.objects.exclude(actor="").exists()
    assert Revision.objects.count() == 1


def test_the_number_of_statements_of_an_edit_does_not_grow(alice, django_assert_max_num_queries):
    bodies = [{"text": f"Plant {n}", "infer": False, "metadata": {"n": n}} for n in range(40)]
    alice.post("/memories/bulk", {"memories": bodies})
    with django_assert_max_num_queries(25):
        answer = alice.patch(
            "/memories/bulk", {"filters": {"metadata": {"n": {"gte": 0}}}, "changes": CHANGES}
        )
    assert answer.json()["changed"] == 40


@pytest.mark.parametrize(
    ("method", "path", "extra"),
    [
        ("patch", "/memories/bulk", {"changes": {"immutable": False}}),
        ("post", "/memories/actions/pause", {"state": "active"}),
        ("post", "/memories/actions/archive", {}),
        ("delete", "/memories", {}),
    ],
)
def test_a_key_that_may_not_read_learns_nothing_by_filters(alice, stored, method, path, extra):
    writer = alice.with_key(scopes=["write"])

    answer = getattr(writer, method)(path, {"filters": FEW, **extra})

    assert (answer.status_code, answer.json()["code"]) == (403, "key_scope")
    assert states() == ["active"] * 4
