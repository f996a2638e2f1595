import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from memories.models import Access

SEARCH = "/v3/memories/search/"


@pytest.fixture
def stocked(shop, rival):
    shop.add("Ann's dog is called Rex", user_id="ann", metadata={"n": 1})
    shop.add("Ann plays the violin", user_id="ann", agent_id="cook")
    shop.add("Ben's dog is called Bello", user_id="ben")
    rival.add("Another dog is called Hasso", user_id="ann")
    return shop


def found(client, query, filters, **more):
    answer = client.post(SEARCH, {"query": query, "filters": filters, **more})
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


def test_the_best_is_first(stocked):
    hits = found(stocked, "What is the dog called?", {"user_id": "ann"}, threshold=0)

    assert hits[0]["memory"] == "Ann's dog is called Rex"
    scores = [hit["score"] for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert {hit["user_id"] for hit in hits} == {"ann"}


@pytest.mark.parametrize(
    "filters",
    [
        {"user_id": "*"},
        {"user_id": {"in": ["ann", "ben"]}},
        {"OR": [{"user_id": "ann"}, {"user_id": "ben"}]},
    ],
)
def test_many_users_are_searched_at_once(stocked, filters):
    hits = found(stocked, "What is the dog called?", filters)

    texts = {hit["memory"] for hit in hits}
    assert {"Ann's dog is called Rex", "Ben's dog is called Bello"} <= texts
    assert "Another dog is called Hasso" not in texts


def test_a_search_of_many_users_scores_as_one_of_each(stocked):
    """How the rest of the account's memories are spread changes words' weights, no more."""
    alone = found(stocked, "dog called Rex", {"user_id": "ann"}, threshold=0)
    both = found(stocked, "dog called Rex", {"user_id": ["ann", "ben"]}, threshold=0)

    assert alone[0]["id"] == both[0]["id"]


@pytest.mark.parametrize(
    "filters",
    [
        {"user_id": "nobody"},
        {"AND": [{"user_id": "ann"}, {"user_id": "ben"}]},
        {"OR": [{"user_id": "nobody"}, {"agent_id": "nobody"}]},
        {"agent_id": "cook", "NOT": {"user_id": {"ne": "nobody"}}},
    ],
)
def test_filters_that_nobody_matches_find_nothing(stocked, filters):
    assert found(stocked, "dog", filters) == []


def test_too_many_memories_of_many_users_are_refused(stocked, settings):
    settings.MEM0_SEARCH_LIMIT = 2

    answer = stocked.post(SEARCH, {"query": "dog", "filters": {"user_id": "*"}})

    assert answer.status_code == 400
    assert "Name one `user_id`" in answer.json()["detail"]
    assert found(stocked, "dog", {"user_id": "ann"})


def test_the_thresholds_of_clients_keep_an_answer_in_other_words(shop):
    """Who asks names the person, whom the memory does not: its probability is low."""
    shop.add("I like tea", "I live in Bonn", "The dog is called Rex", user_id="ann")

    [hit] = found(shop, "What does Ann like to drink?", {"user_id": "ann"}, threshold=0.3)

    assert hit["memory"] == "I like tea"


def test_a_threshold_cuts_the_score_that_is_shown(stocked):
    hits = found(stocked, "What is the dog called?", {"user_id": "ann"}, threshold=0)
    worst = hits[-1]["score"]

    cut = found(stocked, "What is the dog called?", {"user_id": "ann"}, threshold=worst + 0.001)

    assert len(cut) == sum(hit["score"] > worst + 0.001 for hit in hits)


def test_fields_and_what_stands_beside_filters(stocked):
    [hit] = found(stocked, "dog", {"user_id": "ann"}, metadata={"n": 1}, fields=["memory"])

    assert set(hit) == {"id", "memory", "score"}
    assert found(stocked, "dog", {"user_id": "ann"}, top_k=1)
    assert found(stocked, "dog", {"user_id": "ann"}, top_k=1.0)
    assert found(stocked, "dog", {"user_id": "ann"}, categories=["unheard of"]) == []
    ignored = {"rerank": True, "keyword_search": True, "output_format": "v1.1"}
    assert found(stocked, "dog", {"user_id": "ann"}, **ignored)


@pytest.mark.parametrize(
    "body",
    [
        {}, {"query": ""}, {"query": "  "}, {"query": 7}, {"query": "x", "top_k": 0},
        {"query": "x", "top_k": 1001}, {"query": "x", "top_k": "many"},
        {"query": "x", "top_k": 1.5},
        {"query": "x", "threshold": -0.1}, {"query": "x", "threshold": 1.1},
        {"query": "x", "threshold": "high"}, {"query": "x", "show_expired": "yes"},
        {"query": "x", "metadata": "a"}, {"query": "x", "categories": 7}, {"query": "a\0b"},
        {"query": "x", "fields": 7}, {"query": "x", "fields": [[]]}, {"query": "\ud800"},
    ],
)  # fmt: skip
def test_what_cannot_be_searched_is_refused(shop, body):
    answer = shop.post(SEARCH, {"filters": {"user_id": "ann"}, **body})

    assert answer.status_code == 400, answer.content


def test_many_users_are_searched_by_meaning_too(shop):
    shop.add("We adopted a puppy called Rex", user_id="ann")
    shop.add("The train leaves at noon", user_id="bo")

    [best, *_] = found(shop, "Which dogs are there?", {"user_id": "*"}, threshold=0)

    assert "puppy" in best["memory"]


def test_as_many_are_found_as_were_asked_for(shop):
    for first in (0, 130):
        texts = [f"I like tea number {number}" for number in range(first, first + 130)]
        shop.add(*texts, user_id="ann")

    assert len(found(shop, "tea", {"user_id": "ann"}, top_k=250)) == 250
    assert len(found(shop, "tea", {"user_id": "*"}, top_k=1000, threshold=0)) == 260


def test_a_search_asks_the_database_one_thing_more_than_the_api_does(shop):
    """Whether the project's memories decay."""
    shop.add(*[f"I like tea number {number}" for number in range(20)], user_id="alice")
    body = {"query": "tea", "filters": {"user_id": "alice"}, "top_k": 10}

    counts = []
    for call in (
        lambda: shop.member.post("/memories/search", {"query": "tea", "top_k": 10}),
        lambda: shop.post(SEARCH, body),
        lambda: shop.post(SEARCH, {**body, "top_k": 20}),
    ):
        call()
        with CaptureQueriesContext(connection) as statements:
            assert len(call().json()["results"]) >= 10
        counts.append(len(statements))

    assert counts[1:] == [counts[0] + 1] * 2


def test_each_hit_is_logged_as_read(stocked):
    hits = found(stocked, "dog", {"user_id": "*"})

    read = Access.objects.filter(access_type="search").values_list("memory", flat=True)
    assert {str(pk) for pk in read} == {hit["id"] for hit in hits}
