"""From the second of its expiry on, a memory is shown nowhere but to its user by its id."""

import time

import pytest
from django.utils import timezone

from apps_registry.models import App
from memories.models import Memory, Revision, StateChange
from tests.cast import errors_of

PAST, FUTURE = 1_600_000_000, 4_000_000_000
EXPIRED_TEXT = "Our dog Rex is afraid of thunder"


@pytest.fixture
def expired(alice):
    """An expired memory beside one that is kept."""
    alice.remember("Our cat Tom likes thunder", app="notes")
    return alice.remember(EXPIRED_TEXT, app="notes", expires_at=PAST)


def texts_of(answer):
    assert answer.status_code == 200, answer.content
    data = answer.json()
    items = next(data[name] for name in ("items", "results", "memories") if name in data)
    items = [item.get("memory", item) for item in items]
    return {item.get("text", item.get("content")) for item in items}


def test_a_memory_is_shown_with_its_terms_as_seconds(alice):
    memory = alice.remember(
        "The code of the gate is blue",
        expires_at=FUTURE,
        valid_from="2024-01-31T10:30:00+02:00",
        valid_until=2_000_000_000.0,
        immutable=True,
    )

    terms = {
        "expires_at": FUTURE,
        "valid_from": 1_706_689_800,
        "valid_until": 2_000_000_000,
        "immutable": True,
    }
    assert memory | terms == memory
    assert memory["state"] == "active"
    shown = alice.get(f"/memories/{memory['id']}").json()
    assert shown | terms == shown
    [item] = alice.get("/memories").json()["items"]
    assert item | terms == item


@pytest.mark.parametrize("name", ["expires_at", "valid_from", "valid_until"])
@pytest.mark.parametrize(
    "value",
    [
        "2030-01-31T10:30:00",
        "2030-01-31",
        "tomorrow",
        "",
        -1,
        1.5,
        True,
        [],
        {},
        "1969-12-31T23:59:59Z",
        "9999-01-01T00:00:00Z",
        253_402_300_798,
        10**30,
    ],
)
def test_what_is_no_moment_is_refused(alice, name, value):
    memory = alice.remember("One")

    posted = alice.post("/memories", {"text": "Two", name: value})
    patched = alice.patch(f"/memories/{memory['id']}", {name: value})

    assert [posted.status_code, patched.status_code] == [400, 400]
    assert errors_of(posted) == errors_of(patched) == {("body", name)}
    assert Memory.objects.count() == 1


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("get", "/memories", None),
        ("get", "/memories?search_query=thunder", None),
        ("get", "/memories?sort_column=memory", None),
        ("post", "/memories/filter", {}),
        ("post", "/memories/filter", {"show_archived": True, "search_query": "thunder"}),
        ("post", "/memories/search", {"query": "dog thunder"}),
        ("post", "/memories/search", {"query": "dog thunder", "app": "notes"}),
        ("post", "/memories/search", {"query": "dog thunder", "at": PAST - 10}),
    ],
)
def test_no_list_and_no_search_has_an_expired_memory(alice, expired, method, path, body):
    answer = getattr(alice, method)(path, body)

    assert texts_of(answer) == {"Our cat Tom likes thunder"}
    assert answer.json().get("total", 1) == 1


def test_an_expired_memory_counts_nowhere(alice):
    app = alice.remember(EXPIRED_TEXT, app="notes", expires_at=PAST)["app_id"]

    assert alice.get("/stats").json()["total_memories"] == 0
    assert alice.get("/memories/categories").json()["total"] == 0
    assert alice.get(f"/apps/{app}").json()["total_memories_created"] == 0
    assert alice.get(f"/apps/{app}/memories").json()["total"] == 0
    paused = alice.post("/memories/actions/pause", {"global_pause": True}).json()
    assert paused == {"message": "Successfully paused 0 memories"}


def test_an_expired_memory_is_no_neighbour_and_related_to_nothing(alice):
    sent = {"conversation": "c", "infer": False}
    first = alice.remember("Ana: thunder", timestamp=1_000, **sent)
    alice.remember("Bo: and lightning", timestamp=2_000, expires_at=PAST, **sent)
    third = alice.remember("Ana: and rain", timestamp=3_000, **sent)
    for memory in Memory.objects.all():
        alice_id = f"/memories/{memory.pk}"
        if not memory.is_expired:
            alice.patch(alice_id, {"categories": ["weather"]})

    body = {"query": "thunder", "include_context": 2, "top_k": 1}
    [hit] = alice.post("/memories/search", body).json()["results"]

    assert [each["id"] for each in hit["context"]["after"]] == [third["id"]]
    assert texts_of(alice.get(f"/memories/{first['id']}/related")) == {"Ana: and rain"}


def test_the_words_of_an_expired_memory_weigh_as_those_of_none(alice):
    kept = alice.remember("Our dog likes rain")
    body = {"query": "dog rain", "explain": True}
    before = alice.post("/memories/search", body).json()["results"][0]["explanation"]

    alice.remember("The dog and the rain", expires_at=PAST)

    after = alice.post("/memories/search", body).json()["results"]
    assert [hit["id"] for hit in after] == [kept["id"]]
    assert after[0]["explanation"]["matched_words"] == before["matched_words"]


def test_its_user_is_shown_an_expired_memory_by_its_id(alice, bob, expired):
    path = f"/memories/{expired['id']}"

    answer = alice.get(path)

    assert answer.status_code == 200
    assert (answer.json()["state"], answer.json()["expires_at"]) == ("expired", PAST)
    assert alice.get(path, {"include_expired": "true"}).json() == answer.json()
    assert alice.get(f"{path}/history").json()["total"] == 1
    assert alice.get(f"{path}/access-log").status_code == 200
    assert texts_of(alice.get(f"{path}/related")) == {"Our cat Tom likes thunder"}
    assert bob.get(path).status_code == 404


def test_for_an_app_an_expired_memory_does_not_exist(alice, expired):
    bound = alice.with_key(app_name="notes")
    path = f"/memories/{expired['id']}"

    answers = [
        bound.get(path),
        bound.get(f"{path}/history"),
        bound.get(f"{path}/related"),
        bound.patch(path, {"expires_at": None}),
        bound.put(path, {"memory_content": "Rex is fine"}),
        bound.delete(path),
    ]

    assert [answer.json()["code"] for answer in answers] == ["memory_not_found"] * 6


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("get", "/memories?include_expired=true", None),
        ("get", "/memories?include_expired=1&search_query=dog", None),
        ("post", "/memories/filter", {"include_expired": True}),
        ("post", "/memories/filter?include_expired=true", {}),
        ("post", "/memories/search", {"query": "dog thunder", "include_expired": True}),
        ("post", "/memories/search?include_expired=True", {"query": "dog thunder"}),
    ],
)
def test_its_user_is_shown_expired_memories_on_request(alice, expired, method, path, body):
    assert EXPIRED_TEXT in texts_of(getattr(alice, method)(path, body))

    bound = alice.with_key(app_name="notes")
    refused = getattr(bound, method)(path, body)
    assert (refused.status_code, refused.json()["code"]) == (403, "expired_hidden")


def test_a_search_as_an_app_cannot_ask_for_expired_memories(alice, expired):
    body = {"query": "dog", "app": "notes", "include_expired": True}

    answer = alice.post("/memories/search", body)

    assert (answer.status_code, answer.json()["code"]) == (403, "expired_hidden")


@pytest.mark.parametrize("value", ["yes", "", "2"])
@pytest.mark.parametrize("path", ["", "/filter", "/search", "/{id}"])
def test_include_expired_is_true_or_false(alice, expired, value, path):
    path = path.format(id=expired["id"])
    call = alice.post if path in ("/filter", "/search") else alice.get

    answer = call(
        f"/memories{path}?include_expired={value}", {"query": "x"} if "search" in path else None
    )

    assert answer.status_code == 400
    assert errors_of(answer) == {("query", "include_expired")}


@pytest.mark.parametrize("expires_at", [None, FUTURE, "2090-01-01T00:00:00Z"])
def test_a_later_expiry_brings_a_memory_back(alice, expired, expires_at):
    answer = alice.patch(f"/memories/{expired['id']}", {"expires_at": expires_at})

    assert answer.status_code == 200
    assert answer.json()["state"] == "active"
    assert EXPIRED_TEXT in texts_of(alice.post("/memories/search", {"query": "dog"}))
    assert EXPIRED_TEXT in texts_of(alice.get("/memories"))
    revision = Revision.objects.get()
    assert (revision.edits_text, revision.terms) == (False, {"expires_at": PAST})


def test_an_expired_memory_is_not_edited_without_its_expiry(alice, expired):
    path = f"/memories/{expired['id']}"

    answers = [
        alice.patch(path, {"text": "Rex is fine"}),
        alice.patch(path, {"valid_from": 5}),
        alice.put(path, {"memory_content": "Rex is fine"}),
    ]

    assert [answer.json()["code"] for answer in answers] == ["memory_expired"] * 3
    assert {answer.status_code for answer in answers} == {409}
    together = alice.patch(path, {"text": "Rex is fine", "expires_at": None})
    assert together.json()["text"] == "Rex is fine"


def test_a_memory_that_is_given_a_past_expiry_is_gone_at_once(alice):
    memory = alice.remember(EXPIRED_TEXT)

    answer = alice.patch(f"/memories/{memory['id']}", {"expires_at": int(time.time())})

    assert answer.json()["state"] == "expired"
    assert texts_of(alice.get("/memories")) == set()


def test_the_entity_tag_changes_when_a_memory_expires(alice):
    memory = alice.remember(EXPIRED_TEXT, expires_at=FUTURE)
    path = f"/memories/{memory['id']}"
    tag = alice.get(path)["ETag"]
    Memory.objects.update(expires_at=timezone.now())

    answer = alice.patch(path, {"expires_at": None}, **{"If-Match": tag})

    assert answer.status_code == 412
    assert alice.get(path)["ETag"] != tag


def test_an_expired_memory_is_no_duplicate(alice, expired):
    again = alice.remember(EXPIRED_TEXT, app="notes")

    assert (again["event"], again["expires_at"]) == ("ADD", None)
    assert again["id"] != expired["id"]


def test_a_text_with_other_terms_is_no_duplicate(alice):
    alice.remember("I like tea")

    kept = alice.remember("I like tea", expires_at=FUTURE)
    repeated = alice.remember("I like tea", expires_at=FUTURE)

    assert (kept["event"], kept["expires_at"]) == ("ADD", FUTURE)
    assert (repeated["event"], repeated["id"]) == ("DUPLICATE", kept["id"])


def test_its_user_deletes_and_archives_an_expired_memory(alice, expired):
    path = f"/memories/{expired['id']}"

    archived = alice.post("/memories/actions/archive", {"memory_ids": [expired["id"]]})
    assert archived.status_code == 200
    assert alice.get(path).json()["state"] == "expired"

    assert alice.delete(path).status_code == 200
    assert alice.get(path).json()["state"] == "deleted"
    assert StateChange.objects.filter(memory=expired["id"]).count() == 3


def test_the_access_of_an_app_to_a_memory_that_has_expired_is_not_listed(alice):
    memory = alice.remember(EXPIRED_TEXT, app="notes")
    alice.post("/memories/search", {"query": "dog", "app": "notes"})
    Memory.objects.filter(pk=memory["id"]).update(expires_at=timezone.now())

    app = App.objects.get(name="notes")

    assert alice.get(f"/apps/{app.pk}/accessed").json()["total"] == 0
