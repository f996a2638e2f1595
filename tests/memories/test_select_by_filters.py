"""States of any number of memories that filters select, and edits of many at once."""

import pytest

from memories.models import Memory, StateChange
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
