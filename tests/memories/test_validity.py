"""What is not valid at the time asked about ranks behind what is."""

import pytest

from memories.models import Memory, Revision
from tests.cast import errors_of
from tests.memories.stock import BEGINNING, stock

PAST, FUTURE = 1_600_000_000, 4_000_000_000


def search(member, **body):
    answer = member.post("/memories/search", {"query": "Where does Ada live?", **body})
    assert answer.status_code == 200, answer.content
    return [(hit["text"], hit["valid"]) for hit in answer.json()["results"]]


@pytest.fixture
def homes(alice):
    """Where Ada lives: past, now and to come. The best match is that of the past."""
    alice.remember("Ada does live in Porto: where Ada does live", valid_until=PAST)
    alice.remember("Ada moved to a house in Berlin", valid_from=PAST, valid_until=FUTURE)
    alice.remember("Ada will live in Rome", valid_from=FUTURE)
    alice.remember("The weather is fine")


def test_what_is_valid_now_comes_first(alice, homes):
    results = search(alice)

    assert {text for text, valid in results[:2]} == {
        "Ada moved to a house in Berlin",
        "The weather is fine",
    }
    assert results[2:] == [
        ("Ada does live in Porto: where Ada does live", False),
        ("Ada will live in Rome", False),
    ]
    assert [valid for _, valid in results] == [True, True, False, False]


@pytest.mark.parametrize(
    ("at", "home"),
    [
        (PAST - 1, "Ada does live in Porto: where Ada does live"),
        (PAST, "Ada moved to a house in Berlin"),
        ("2020-09-13T14:26:40+02:00", "Ada moved to a house in Berlin"),
        (FUTURE - 1, "Ada moved to a house in Berlin"),
        (FUTURE, "Ada will live in Rome"),
    ],
)
def test_a_search_asks_about_another_time(alice, homes, at, home):
    valid = [text for text, is_valid in search(alice, at=at) if is_valid]

    assert set(valid) == {home, "The weather is fine"}
    assert valid[0] == home


@pytest.mark.parametrize("at", ["2030-01-01", "2030-01-01T00:00:00", "now", -1, 1.5, True])
def test_the_time_asked_about_needs_a_zone(alice, at):
    answer = alice.post("/memories/search", {"query": "x", "at": at})

    assert answer.status_code == 400
    assert errors_of(answer) == {("body", "at")}


def test_many_that_are_no_longer_valid_hide_none_that_is(alice):
    gone = stock(alice.user, [f"Ada lives in house {n}" for n in range(150)])
    Memory.objects.filter(pk__in=[memory.pk for memory in gone]).update(valid_until=BEGINNING)
    alice.remember("The weather is fine", infer=False)

    [(text, valid)] = search(alice, top_k=1)

    assert (text, valid) == ("The weather is fine", True)


def test_a_threshold_leaves_out_what_is_valid_and_unlike_the_query(alice, homes):
    past = ("Ada does live in Porto: where Ada does live", False)

    assert search(alice, threshold=1) == [past]


@pytest.mark.parametrize(("start", "end"), [(5, 5), (6, 5), ("1970-01-01T00:00:05.9Z", 5)])
def test_a_validity_has_to_last(alice, start, end):
    memory = alice.remember("One", valid_from=PAST, valid_until=FUTURE)
    path = f"/memories/{memory['id']}"

    answers = [
        alice.post("/memories", {"text": "Two", "valid_from": start, "valid_until": end}),
        alice.patch(path, {"valid_from": start, "valid_until": end}),
        alice.patch(path, {"valid_until": PAST}),
        alice.patch(path, {"valid_from": FUTURE}),
    ]

    assert [answer.status_code for answer in answers] == [400] * 4
    for answer in answers:
        assert errors_of(answer) == {("body", "valid_until")}
    assert alice.get(path).json()["valid_until"] == FUTURE
    assert not Revision.objects.exists()


def test_a_patch_changes_the_terms_with_one_revision_and_its_history_tells(alice):
    memory = alice.remember("Ada lives in Porto", valid_from=5)
    path = f"/memories/{memory['id']}"
    patch = {"valid_from": None, "valid_until": "2030-01-01T00:00:00Z", "expires_at": FUTURE}

    answer = alice.patch(path, patch)

    assert answer.status_code == 200
    terms = {"valid_from": None, "valid_until": 1_893_456_000, "expires_at": FUTURE}
    assert answer.json() | terms == answer.json()
    assert alice.patch(path, patch).json() == answer.json()  # which changes nothing
    entry, stored = alice.get(f"{path}/history").json()["items"]
    assert entry["change"] == "revised"
    assert entry["before"] == {"valid_from": 5, "valid_until": None, "expires_at": None}
    assert stored["change"] == "stored"


def test_an_edit_of_the_text_keeps_the_terms(alice):
    memory = alice.remember("Ada lives in Porto", valid_from=5, expires_at=FUTURE)
    path = f"/memories/{memory['id']}"

    alice.put(path, {"memory_content": "Ada lives in Rome"})
    answer = alice.patch(path, {"metadata": {"a": 1}}).json()

    assert (answer["valid_from"], answer["expires_at"]) == (5, FUTURE)


def test_put_takes_no_terms(alice):
    memory = alice.remember("Ada lives in Porto")
    body = {"memory_content": "Ada lives in Rome", "expires_at": FUTURE}

    answer = alice.put(f"/memories/{memory['id']}", body)

    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_field")
