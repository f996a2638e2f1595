"""Times that clients send: whole seconds, from clocks that are a little ahead."""

import time

import pytest

from tests.cast import errors_of


@pytest.mark.parametrize("ahead", [2, 200])
def test_the_clock_of_a_client_may_be_ahead(ahead, alice):
    timestamp = int(time.time()) + ahead

    assert alice.remember("I like tea.", timestamp=timestamp)["created_at"] == timestamp


def test_a_memory_of_a_later_day_is_refused(alice):
    answer = alice.post("/memories", {"text": "I like tea.", "timestamp": time.time() // 1 + 3600})

    assert answer.status_code == 400
    assert [error["code"] for error in answer.json()["errors"]] == ["future"]


def test_whole_seconds_may_be_written_as_a_float(alice):
    memory = alice.remember("I like tea.", timestamp=1_700_000_000.0, infer=False)
    alice.remember("I like rum.", timestamp=1_600_000_000.0, infer=False)
    dates = {"from_date": 1_650_000_000.0, "to_date": 1_750_000_000.0}

    lists = [
        alice.post("/memories/filter", dates).json()["items"],
        alice.post("/memories/search", {"query": "like", "filters": dates}).json()["results"],
        alice.get("/memories", dates).json()["items"],
    ]

    assert memory["created_at"] == 1_700_000_000
    assert [[found["id"] for found in found_list] for found_list in lists] == [[memory["id"]]] * 3


@pytest.mark.parametrize("value", [1_700_000_000.5, "1700000000", True, [], 1e300, -1.0])
def test_other_times_are_refused(value, alice):
    answer = alice.post("/memories", {"text": "I like tea.", "timestamp": value})

    assert answer.status_code == 400
    assert errors_of(answer) == {("body", "timestamp")}
