import re
import time

import pytest
from rest_framework.test import APIClient

from tests.rate_limits.conftest import DAY

NAMES = [
    "RateLimit",
    "RateLimit-Policy",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
]


def told(answer):
    """Which policy an answer speaks of, and how much it says is left."""
    policy, left = re.fullmatch(r'"(\w+)";r=(\d+);t=\d+', answer.headers["RateLimit"]).groups()
    return policy, int(left)


def test_an_answer_tells_how_much_is_left(alice, limit):
    limit(reads=5)

    alice.get("/memories")
    answer = alice.get("/memories")

    assert answer.headers["RateLimit-Policy"] == f'"reads";q=5;w={DAY}'
    left = re.fullmatch(r'"reads";r=3;t=(\d+)', answer.headers["RateLimit"])
    assert 1 <= int(left[1]) <= DAY
    assert answer.headers["X-RateLimit-Limit"] == "5"
    assert answer.headers["X-RateLimit-Remaining"] == "3"
    assert time.time() - 1 <= int(answer.headers["X-RateLimit-Reset"]) <= time.time() + DAY + 1


def test_what_is_too_often_is_refused_and_does_nothing(alice, limit):
    limit(writes=1)
    alice.remember("I like tea.")

    answer = alice.post("/memories", {"text": "I like coffee."})

    assert answer.status_code == 429
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "rate_limited"
    assert answer.json()["title"] == "Too Many Requests"
    assert answer.json()["detail"].startswith("Rate limit exceeded. Retry in ")
    assert 1 <= int(answer.headers["Retry-After"]) <= DAY
    assert told(answer) == ("writes", 0)
    assert alice.get("/memories").json()["total"] == 1


def test_reads_and_writes_are_counted_apart(alice, limit):
    limit(reads=1, writes=1)

    assert alice.post("/memories", {"text": "I like tea."}).status_code == 200
    assert alice.get("/memories").status_code == 200
    assert alice.get("/memories").status_code == 429
    assert alice.delete("/memories", {"memory_ids": []}).status_code == 429


@pytest.mark.parametrize("path", ["/memories/search", "/memories/filter"])
def test_a_search_is_a_read_though_it_is_a_post(alice, limit, path):
    limit(reads=9, writes=9)

    assert told(alice.post(path, {"query": "tea"})) == ("reads", 8)


def test_each_key_has_a_limit_of_its_own(alice, bob, limit):
    limit(reads=1)
    second = alice.with_key()

    assert alice.get("/memories").status_code == 200
    assert alice.get("/memories").status_code == 429
    assert second.get("/memories").status_code == 200
    assert bob.get("/memories").status_code == 200


def test_a_limit_can_be_off(alice, limit):
    limit(reads=None, writes=1)

    answers = [alice.get("/memories") for _ in range(3)]

    assert {answer.status_code for answer in answers} == {200}
    assert not any(name in answers[0].headers for name in NAMES)
    assert told(alice.post("/memories", {"text": "I like tea."})) == ("writes", 0)


def test_failed_keys_are_counted_by_address_and_good_ones_go_on(alice, limit):
    limit(failed_keys=2, reads=50)
    here, elsewhere = APIClient(REMOTE_ADDR="192.0.2.1"), APIClient(REMOTE_ADDR="192.0.2.2")
    wrong = {"Authorization": "Bearer om_wrong"}

    failed = [here.get("/api/v1/memories", headers=headers) for headers in (wrong, {}, wrong)]

    assert [answer.status_code for answer in failed] == [401, 401, 429]
    assert [told(answer) for answer in failed] == [
        ("failed_keys", 1),
        ("failed_keys", 0),
        ("failed_keys", 0),
    ]
    assert failed[2].json()["code"] == "rate_limited"
    assert int(failed[2].headers["Retry-After"]) >= 1
    good = {"Authorization": f"Bearer {alice.secret}"}
    assert here.get("/api/v1/memories", headers=good).status_code == 200
    assert elsewhere.get("/api/v1/memories", headers=wrong).status_code == 401


def test_who_may_not_do_something_is_limited_too(alice, limit):
    limit(writes=1)
    reader = alice.with_key(scopes=["read"])

    answers = [reader.post("/memories", {"text": "I like tea."}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [403, 429]
    assert [told(answer) for answer in answers] == [("writes", 0), ("writes", 0)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("get", "/api/v1/memories", 200),
        ("get", "/api/v1/memories?page=0", 400),
        ("get", "/api/v1/memories?a=%00", 400),
        ("get", "/api/v1/memories/none", 404),
        ("get", "/api/v1/nothing", 404),
        ("patch", "/api/v1/memories", 405),
        ("get", "/api/schema", 200),
    ],
)
def test_every_answer_of_the_api_tells_its_limit(alice, limit, method, path, status):
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {alice.secret}")

    answer = getattr(client, method)(path)

    assert answer.status_code == status
    assert all(name in answer.headers for name in NAMES)


def test_a_host_that_is_not_ours_is_told_its_limit(client):
    answer = client.get("/api/v1/memories", headers={"Host": "evil.example"})

    assert answer.status_code == 400
    assert all(name in answer.headers for name in NAMES)


@pytest.mark.parametrize("path", ["/health/live", "/docs", "/nothing"])
def test_what_is_not_the_api_is_not_limited(client, limit, path):
    limit(reads=1)

    answers = [client.get(path) for _ in range(3)]

    assert 429 not in {answer.status_code for answer in answers}
    assert "RateLimit" not in answers[0].headers


def test_a_page_may_read_a_refusal(alice, limit):
    limit(reads=1)
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {alice.secret}", HTTP_ORIGIN="https://a.example")

    answers = [client.get("/api/v1/memories") for _ in range(2)]

    assert answers[1].status_code == 429
    assert answers[1].headers["Access-Control-Allow-Origin"] == "*"
    exposed = answers[1].headers["Access-Control-Expose-Headers"].split(", ")
    assert set(exposed) >= {"Retry-After", *NAMES}


def test_counting_costs_no_statement(alice, limit, django_assert_num_queries):
    limit(reads=5)
    alice.get("/users/me")

    with django_assert_num_queries(1):
        alice.get("/users/me")
