"""A time may be sent as seconds since 1970, as a day, or in ISO 8601 with its offset."""

import pytest

from accounts.models import ApiKey
from memories.models import Memory

HALF_PAST = 1704105000  # 2024-01-01T10:30:00Z
ALL = {"earlier", "half past", "later"}

TIMES = [
    ({"from_date": HALF_PAST}, {"half past", "later"}),
    ({"from_date": "2024-01-01T10:30:00Z"}, {"half past", "later"}),
    ({"from_date": "2024-01-01T10:30:01Z"}, {"later"}),
    ({"from_date": "2024-01-01T12:30:00+02:00"}, {"half past", "later"}),
    ({"from_date": "2024-01-01"}, ALL),
    ({"from_date": "2024-01-02"}, set()),
    ({"to_date": "2024-01-01T05:30:00.9-05:00"}, {"earlier", "half past"}),
    ({"to_date": "2024-01-01"}, ALL),
    ({"to_date": "2023-12-31"}, set()),
    ({"to_date": "9999-12-31T23:59:59Z"}, ALL),
]


@pytest.fixture
def memories(alice):
    for name, seconds in (("earlier", -60), ("half past", 0), ("later", 60)):
        alice.remember(name, infer=False, timestamp=HALF_PAST + seconds)


@pytest.mark.parametrize(("times", "kept"), TIMES)
def test_each_way_to_ask_for_memories_reads_times_alike(times, kept, alice, memories):
    listed = alice.get("/memories", times).json()["items"]
    filtered = alice.post("/memories/filter", times).json()["items"]
    query = {"query": "earlier, half past, later", "filters": times}
    found = alice.post("/memories/search", query).json()["results"]

    assert {memory["content"] for memory in listed} == kept
    assert {memory["content"] for memory in filtered} == kept
    assert {memory["text"] for memory in found} == kept


def test_a_plus_that_is_not_encoded_is_an_offset(alice, memories):
    answer = alice.get("/memories?from_date=2024-01-01T12:30:00+02:00")

    assert answer.json()["total"] == 2


@pytest.mark.parametrize(
    ("time", "why"),
    [
        ("2024-01-01T10:30:00", "needs an offset"),
        ("yesterday", "such as 2024-01-31T10:30:00Z"),
        ("2024-02-30", "such as 2024-01-31T10:30:00Z"),
        ("2024-01-01T10:30:00+99:00", "such as"),
    ],
)
def test_what_is_no_time_is_refused(time, why, alice):
    by_query = alice.get("/memories", {"from_date": time})
    by_body = alice.post("/memories/filter", {"to_date": time})

    for answer in (by_query, by_body):
        assert answer.status_code == 400
        [fault] = answer.json()["errors"]
        assert why in fault["detail"]


def test_a_memory_is_stored_at_a_time_in_iso_8601(alice):
    memory = alice.remember("I like tea", timestamp="2024-01-01T12:30:00+02:00")

    assert memory["created_at"] == HALF_PAST
    for time in ("2999-01-01T00:00:00Z", "1969-12-31T23:59:59Z"):
        answer = alice.post("/memories", {"text": "Never", "timestamp": time})
        assert answer.status_code == 400
    assert Memory.objects.count() == 1


@pytest.mark.parametrize(
    ("expires_at", "shown"),
    [
        ("2999-01-01T10:30:00+02:00", "2999-01-01T08:30:00Z"),
        ("2999-01-01T10:30:00", "2999-01-01T10:30:00Z"),
        ("2999-01-01", "2999-01-01T23:59:59Z"),
        (32472181800, "2999-01-01T10:30:00Z"),
    ],
)
def test_a_key_expires_at_a_time_of_any_form(expires_at, shown, alice):
    answer = alice.post("/keys", {"expires_at": expires_at})

    assert answer.status_code == 201, answer.content
    assert answer.json()["expires_at"] == shown
    assert ApiKey.objects.filter(expires_at__isnull=False).count() == 1


@pytest.mark.parametrize("field", ["categories", "actors", "conversations"])
def test_one_name_is_a_list_of_one(field, alice):
    alice.remember("I like tea", infer=False, actor="x", conversation="x")
    kept = field != "categories"

    filters = {field: "x"}
    found = alice.post("/memories/search", {"query": "tea", "filters": filters}).json()["results"]

    assert bool(found) is kept


def test_one_id_is_a_list_of_one(alice):
    memory = alice.remember("I like tea")
    filters = {"app_ids": memory["app_id"]}

    found = alice.post("/memories/search", {"query": "tea", "filters": filters})
    filtered = alice.post("/memories/filter", filters)
    paused = alice.post("/memories/actions/pause", {"memory_ids": memory["id"]})
    deleted = alice.delete("/memories", {"memory_ids": memory["id"]})

    assert len(found.json()["results"]) == len(filtered.json()["items"]) == 1
    assert (paused.status_code, deleted.status_code) == (200, 200)
