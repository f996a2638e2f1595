"""`DELETE /v1/memories/`: what is not understood deletes nothing."""

import pytest

from memories.models import Memory, State
from tests.mem0.conftest import snapshot

URL = "/v1/memories/"


@pytest.fixture
def stocked(shop, rival):
    shop.add("Ann's", user_id="ann", agent_id="cook", metadata={"n": 1})
    shop.add("Ann's other", user_id="ann", run_id="r1")
    shop.add("Ben's", user_id="ben", app_id="desk")
    shop.add("The cook's", agent_id="cook")
    rival.add("Another Ann's", user_id="ann")
    return shop


def left() -> set[str]:
    return set(Memory.objects.exclude(state=State.DELETED).values_list("content", flat=True))


ALL = {"Ann's", "Ann's other", "Ben's", "The cook's", "Another Ann's"}


@pytest.mark.parametrize(
    ("query", "deleted"),
    [
        ({"user_id": "ann"}, {"Ann's", "Ann's other"}),
        ({"user_id": "ann", "agent_id": "cook"}, {"Ann's"}),
        ({"agent_id": "cook"}, {"Ann's", "The cook's"}),
        ({"run_id": "r1"}, {"Ann's other"}),
        ({"app_id": "desk"}, {"Ben's"}),
        ({"user_id": "*"}, {"Ann's", "Ann's other", "Ben's"}),
        ({"agent_id": "*"}, {"Ann's", "The cook's"}),
        ({"user_id": "ann", "metadata": '{"n": 1}'}, {"Ann's"}),
        ({"user_id": "ann", "org_id": "o", "project_id": "p", "source": "CLI"},
         {"Ann's", "Ann's other"}),
        ({"user_id": "nobody"}, set()),
        (dict.fromkeys(["user_id", "agent_id", "app_id", "run_id"], "*"),
         {"Ann's", "Ann's other", "Ben's", "The cook's"}),
    ],
)  # fmt: skip
def test_ids_delete_what_has_all_of_them(stocked, query, deleted):
    answer = stocked.delete(URL, **query)

    assert answer.status_code == 200
    assert answer.json()["message"] == "Memories deleted successfully!"
    assert answer.json()["event_id"]
    assert left() == ALL - deleted


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"filters": "{'user_id': 'ann'}"},
        {"filters": '{"user_id": "ann"}', "user_id": "ann"},
        {"filters": "[object Object]"},
        {"filters": "[object Object]", "user_id": "ann"},
        {"user_id": "[object Object]"},
        {"user_id": "{'user_id': 'ann'}"},
        {"user_id": ""},
        {"user_id": " "},
        {"user_id": "ann", "agent_id": ""},
        {"user_id": ["ann", "ben"]},
        {"user_id": ["ann", "ann"]},
        {"userId": "ann"},
        {"user": "ann"},
        {"user_id": "ann", "userId": "ben"},
        {"user_id": "ann", "run": "r1"},
        {"user_id": "ann", "metadata": "n=1"},
        {"user_id": "ann", "metadata": "{}"},
        {"user_id": "ann", "metadata": "[1]"},
        {"user_id": "ann", "created_at": "2024-01-01"},
        {"user_id": "a" * 256},
        {"user_id": "a\0b"},
        {"org_id": "o"},
    ],
)
def test_what_is_not_clear_deletes_nothing(stocked, query):
    before = snapshot()

    answer = stocked.delete(URL, **query)

    assert answer.status_code == 400, answer.content
    assert isinstance(answer.json()["detail"], str)
    assert snapshot() == before


def test_a_body_deletes_nothing(stocked):
    before = snapshot()

    assert stocked.delete(URL, {"user_id": "ann"}).status_code == 400
    assert stocked.delete(URL, {"filters": {"user_id": "ann"}}, user_id="ann").status_code == 400

    assert snapshot() == before


def test_a_key_of_an_app_deletes_no_more_than_its_own(stocked):
    bound = stocked.with_key(app_name="desk")
    before = snapshot()

    assert bound.delete(URL, user_id="*").status_code == 403
    assert bound.delete(URL, user_id="ann", app_id="phone").status_code == 403
    assert bound.delete("/v2/entities/user/ann/").status_code == 403
    assert snapshot() == before


def test_a_pinned_key_deletes_no_end_users(stocked):
    pinned = stocked.with_key(is_pinned=True)
    before = snapshot()

    assert pinned.delete(URL, user_id="ann").status_code == 403
    assert pinned.delete(URL, user_id="*").status_code == 200
    assert snapshot() == before


def test_an_operator_reaches_their_own_account_alone(stocked, olga):
    operator = type(stocked)(olga)
    before = snapshot()

    answer = operator.delete(URL, **dict.fromkeys(["user_id", "agent_id", "app_id", "run_id"], "*"))

    assert answer.status_code == 200
    assert snapshot() == before
    assert operator.texts({"user_id": "*"}) == set()
