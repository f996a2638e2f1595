"""What filters of Mem0's API match, and which are refused."""

import pytest

TWO_USERS = {"OR": [{"user_id": "ann"}, {"user_id": "ben"}]}


@pytest.fixture
def stocked(shop, rival):
    shop.add("Ann likes tea", user_id="ann", agent_id="cook", metadata={"n": 1, "tags": ["a"]})
    shop.add("Ann runs", user_id="ann", run_id="r1", timestamp=1_700_000_000)
    shop.add("Ben sings", user_id="ben", app_id="desk", expiration_date="2099-01-31")
    shop.add("The cook burns rice", agent_id="cook")
    rival.add("Another Ann", user_id="ann", agent_id="cook")
    return shop


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"user_id": "ann"}, {"Ann likes tea", "Ann runs"}),
        ({"userId": "ann"}, {"Ann likes tea", "Ann runs"}),
        ({"user_id": "Ann"}, set()),
        ({"user_id": ["ann", "ben"]}, {"Ann likes tea", "Ann runs", "Ben sings"}),
        ({"user_id": {"in": ["ann", "nobody"]}}, {"Ann likes tea", "Ann runs"}),
        ({"user_id": "*"}, {"Ann likes tea", "Ann runs", "Ben sings"}),
        ({"agent_id": "cook"}, {"Ann likes tea", "The cook burns rice"}),
        ({"agent_id": "*", "user_id": {"ne": "ann"}}, {"The cook burns rice"}),
        ({"run_id": "*"}, {"Ann runs"}),
        ({"app_id": "desk"}, {"Ben sings"}),
        ({"app_id": "*"}, {"Ben sings"}),
        ({"user_id": "ann", "agent_id": "cook"}, {"Ann likes tea"}),
        ({"AND": [{"user_id": "ann"}, {"run_id": "r1"}]}, {"Ann runs"}),
        (TWO_USERS, {"Ann likes tea", "Ann runs", "Ben sings"}),
        ({**TWO_USERS, "AND": [{"user_id": "ann"}]}, {"Ann likes tea", "Ann runs"}),
        ({"user_id": "*", "NOT": {"user_id": "ann"}}, {"Ben sings"}),
        ({"user_id": "*", "NOT": [{"user_id": "ben"}, {"run_id": "r1"}]}, {"Ann likes tea"}),
        ({"user_id": "ann", "metadata": {"n": 1}}, {"Ann likes tea"}),
        ({"user_id": "ann", "metadata": {"n": {"ne": 1}}}, {"Ann runs"}),
        ({"user_id": "ann", "metadata": {"tags": {"contains": "a"}}}, {"Ann likes tea"}),
        ({"user_id": "ann", "created_at": {"lt": "2024-01-01"}}, {"Ann runs"}),
        ({"user_id": "ann", "timestamp": {"gte": 1_700_000_000, "lte": 1_700_000_000}},
         {"Ann runs"}),
        ({"user_id": "*", "expiration_date": {"lte": "2099-01-31"}}, {"Ben sings"}),
        ({"user_id": "*", "expiration_date": {"lt": "2099-01-31"}}, set()),
        ({"user_id": "*", "expiration_date": "2099-01-31"}, {"Ben sings"}),
        ({"user_id": "*", "keywords": {"icontains": "LIKES"}}, {"Ann likes tea"}),
        ({"user_id": "*", "keywords": {"contains": "LIKES"}}, set()),
        ({"user_id": "nobody"}, set()),
    ],
)  # fmt: skip
def test_filters_match(stocked, filters, expected):
    assert stocked.texts(filters) == expected


def test_categories_and_ids_match(stocked):
    [memory] = stocked.post("/v3/memories/", {"filters": {"run_id": "r1"}}).json()["results"]
    named = {"user_id": "ann", "memory_ids": [memory["id"]]}

    assert stocked.texts(named) == {"Ann runs"}
    assert stocked.texts({"user_id": "ann", "categories": {"in": ["unheard of"]}}) == set()
    assert stocked.texts({"user_id": "ann", "categories": {"contains": "unheard"}}) == set()


@pytest.mark.parametrize(
    "filters",
    [
        None, {}, [], "user_id=ann", {"AND": []}, {"OR": {}}, {"user_id": {}}, {"user_id": ""},
        {"NOT": {"user_id": "ann"}}, {"user_id": {"ne": "ann"}}, {"metadata": {"n": 1}},
        {"user_id": "ann", "NOT": [{}]}, {"user_id": "ann", "NOT": {}},
        {"OR": [{"user_id": "ann"}, {"metadata": {"n": 1}}]},
        {"OR": [{"user_id": "ann"}, {}]},
        {"user_id": "ann", "colour": "red"}, {"user_id": {"like": "a%"}},
        {"user_id": {"nin": ["ben"]}}, {"user_id": {"gt": "a"}}, {"user_id": 7},
        {"user_id": "ann", "created_at": {"eq": "2024-01-01"}},
        {"user_id": "ann", "created_at": "yesterday"},
        {"user_id": "ann", "categories": "pets"}, {"user_id": "ann", "categories": {"eq": "pets"}},
        {"user_id": "ann", "metadata": {"n": {"gt": 0}}},
        {"user_id": "ann", "metadata": {"n": {"in": [1]}}},
        {"user_id": "ann", "expiration_date": "2030-02-30"},
        {"user_id": "ann", "memory_ids": ["x"]},
        {"user_id": "a" * 256},
        {"user_id": "a\0b"},
        {"user_id": "\ud800"},
        {"user_id": "ann", "metadata": {"k": "a\0b"}},
        {"user_id": "ann", "keywords": {"contains": "a\0b"}},
        {"user_id": "ann", "categories": {"contains": "a\0b"}},
        {"agent_id": "\ud800"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/v3/memories/", "/v3/memories/search/"])
def test_filters_are_refused_in_words(shop, path, filters):
    answer = shop.post(path, {"filters": filters, "query": "tea"})

    assert answer.status_code == 400, answer.content
    assert answer.headers["Content-Type"] == "application/json"
    assert isinstance(answer.json()["detail"], str)
    assert answer.json()["error"] == answer.json()["detail"]


def test_filters_have_bounds(shop):
    deep = {"user_id": "ann"}
    for _ in range(9):
        deep = {"AND": [deep]}
    wide = {"AND": [{"user_id": "ann"}] * 200}

    assert shop.post("/v3/memories/", {"filters": deep}).status_code == 400
    assert shop.post("/v3/memories/", {"filters": wide}).status_code == 400


@pytest.mark.parametrize("path", ["/v3/memories/", "/v3/memories/search/"])
def test_ids_beside_the_filters_are_refused_in_version_3(shop, path):
    body = {"filters": {"user_id": "ann"}, "agent_id": "cook", "query": "tea"}

    assert shop.post(path, body).status_code == 400


def test_reading_makes_no_user(shop):
    shop.texts({"user_id": "ann"})
    shop.post("/v3/memories/search/", {"query": "tea", "filters": {"user_id": "ann"}})

    assert not shop.member.user.end_users.exists()
