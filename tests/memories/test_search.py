from datetime import UTC, datetime
from itertools import product

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from memories.models import Embedding, Memory, State
from memories.search.lexemes import MAX_LEXEMES
from tests.cast import Member
from tests.memories.stock import stock


def results(member: Member, query: str, **body) -> list[dict]:
    answer = member.post("/memories/search", {"query": query, **body})
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


def texts(member: Member, query: str, **body) -> list[str]:
    return [result["text"] for result in results(member, query, **body)]


def epoch(year: int, month: int = 1, day: int = 1) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp())


def test_a_question_finds_by_meaning(alice):
    alice.remember("My dog needs a walk every morning.")
    alice.remember("The tax office wrote about last year's return.")

    assert texts(alice, "Does she have a pet?")[0] == "My dog needs a walk every morning."


def test_a_question_finds_by_words_that_mean_nothing_to_the_model(alice):
    alice.remember("The ticket is QX-7731-B.")
    alice.remember("The ticket is QX-9024-K.")
    alice.remember("The ticket is QX-5518-M.")

    assert texts(alice, "QX-9024-K")[0] == "The ticket is QX-9024-K."


def test_a_question_finds_words_in_another_form(alice):
    alice.remember("She was climbing mountains.", timestamp=epoch(2020))
    alice.remember("She was baking bread.", timestamp=epoch(2021))

    best = results(alice, "climbed a mountain", explain=True)[0]

    assert best["text"] == "She was climbing mountains."
    assert set(best["explanation"]["matched_words"]) == {"climb", "mountain"}


def test_a_question_about_a_day_finds_what_was_learned_on_it(alice):
    for month in range(1, 11):
        alice.remember("We met again.", timestamp=epoch(2023, month, 8), infer=False)

    best = results(alice, "What happened on 8 May 2023?")[0]

    assert best["created_at"] == epoch(2023, 5, 8)


def test_a_result_is_the_memory_with_its_score_and_similarity(alice):
    memory = alice.remember("I like tea.", metadata={"k": 1}, infer=False)

    [result] = results(alice, "I like tea.")

    assert result.pop("similarity") == pytest.approx(1.0)
    assert 0.9 < result.pop("score") <= 1
    assert (result.pop("explanation"), result.pop("context")) == (None, None)
    assert result.pop("valid") is True
    assert result == {name: memory[name] for name in memory if name not in ("event", "job")}


def test_the_best_score_comes_first(alice):
    for text in ("I like tea.", "Tea is grown in Assam.", "My car is red.", "It rained."):
        alice.remember(text)

    scores = [result["score"] for result in results(alice, "Which tea do I like?")]

    assert len(scores) == 4
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


def test_of_equal_memories_the_newest_comes_first(alice):
    for year in (2001, 2003, 2002):
        alice.remember("I like tea.", timestamp=epoch(year), infer=False)

    hits = results(alice, "tea")

    assert [result["created_at"] for result in hits] == [epoch(2003), epoch(2002), epoch(2001)]
    assert len({result["score"] for result in hits}) == 1


def test_no_more_come_than_were_asked_for(alice):
    stock(alice.user, [f"Tea number {number}." for number in range(30)])

    assert len(results(alice, "tea")) == 10
    assert len(results(alice, "tea", top_k=3)) == 3
    assert len(results(alice, "tea", top_k=100)) == 30


def test_who_has_no_memories_finds_none(alice):
    assert results(alice, "tea") == []


@pytest.mark.parametrize("state", [State.PAUSED, State.ARCHIVED, State.DELETED])
def test_only_active_memories_are_found(alice, state):
    alice.remember("I like tea.")
    gone = alice.remember("I like green tea.")

    Memory.objects.filter(pk=gone["id"]).change_state(state, by=alice.user)

    assert texts(alice, "green tea") == ["I like tea."]


def test_nobody_finds_the_memories_of_another(alice, bob):
    alice.remember("I like tea.")

    assert results(bob, "I like tea.") == []
    answer = bob.post("/memories/search", {"query": "tea", "user_id": "alice"})
    assert answer.status_code == 403


def test_an_operator_searches_in_the_memories_of_whom_they_name(olga, alice):
    alice.remember("I like tea.")

    assert texts(olga, "tea", user_id="alice") == ["I like tea."]
    assert texts(olga, "tea") == []


def test_an_edited_memory_is_found_by_what_it_says_now(alice):
    memory = alice.remember("I like tea.")
    alice.put(f"/memories/{memory['id']}", {"memory_content": "I like coffee."})

    assert results(alice, "coffee", explain=True)[0]["explanation"]["matched_words"]
    assert not results(alice, "tea", explain=True)[0]["explanation"]["matched_words"]


def test_filters_keep_what_they_say(alice):
    tea = alice.remember("Tea from Assam.", app="shop", metadata={"kind": {"leaf": "black"}},
                         timestamp=epoch(2021))  # fmt: skip
    alice.remember("Tea from Uji.", app="home", metadata={"kind": {"leaf": "green"}},
                   timestamp=epoch(2023))  # fmt: skip

    def hits(**filters):
        return texts(alice, "tea", filters=filters)

    only_assam, only_uji = ["Tea from Assam."], ["Tea from Uji."]
    assert hits(app_ids=[tea["app_id"]]) == only_assam
    assert hits(from_date=epoch(2022)) == only_uji
    assert hits(to_date=epoch(2022)) == only_assam
    assert hits(from_date=epoch(2021), to_date=epoch(2021)) == only_assam
    assert hits(metadata={"kind.leaf": "green"}) == only_uji
    assert hits(metadata={"kind.leaf": "white"}) == []
    assert len(hits(app_ids=[], categories=[], metadata={})) == 2
    assert len(hits()) == 2


def test_a_filter_on_categories_keeps_those_in_any_of_them(alice):
    memory = alice.remember("I flew to Lisbon for a holiday by the sea.")
    alice.remember("The invoice of the bank was too high.")
    [category, *_] = memory["categories"]

    hits = texts(alice, "What happened?", filters={"categories": [category.upper(), "none"]})

    assert hits == ["I flew to Lisbon for a holiday by the sea."]


def test_filters_leave_room_for_all_that_match(alice):
    stock(alice.user, ["Tea, and tea again."] * 250)
    stock(alice.user, [f"A car with {wheels} wheels." for wheels in range(12)], metadata={"k": 1})

    hits = texts(alice, "tea", filters={"metadata": {"k": 1}}, top_k=12)

    assert len(hits) == 12
    assert all(text.startswith("A car") for text in hits)


def test_a_threshold_leaves_out_what_is_less_similar(alice):
    for text in ("I drink green tea.", "I drink coffee.", "The bridge is closed."):
        alice.remember(text)
    similar = {result["text"]: result["similarity"] for result in results(alice, "She drinks tea.")}

    hits = texts(alice, "She drinks tea.", threshold=similar["I drink coffee."])

    assert set(hits) == {"I drink green tea.", "I drink coffee."}
    assert len(texts(alice, "She drinks tea.", threshold=0)) == 3
    assert texts(alice, "entirely another matter", threshold=0.9) == []


def test_an_explanation_adds_up_to_the_score(alice):
    alice.remember("I drink green tea.")
    alice.remember("The bridge is closed.")

    best, other = results(alice, "green tea", explain=True)

    explanation = best["explanation"]
    weights = explanation["weights"]
    assert weights == {
        "similarity": 0.48,
        "words": 0.35,
        "nearby_words": 0.17,
        "context": 0.24,
        "answers": 0.25,
        "speaker": 0.25,
        "when": 0.2,
        "all_words": 0.6,
        "time": 0.3,
        "tokens": 0.5,
    }
    assert (explanation["nearby_words"], explanation["speaker"]) == (None, None)
    assert explanation["vectors_by"] == "exact"
    assert set(explanation["matched_words"]) == {"green", "tea"}
    assert explanation["words_score"] == pytest.approx(sum(explanation["matched_words"].values()))
    assert 0.45 < explanation["cosine"] <= 1
    assert explanation["rank_score"] == pytest.approx(
        weights["similarity"] * explanation["similarity_part"]
        + weights["words"] * explanation["words_part"]
        + weights["all_words"] * explanation["all_words_part"]
    )
    assert best["score"] == pytest.approx(explanation["fit"] * explanation["share"])
    assert other["explanation"]["matched_words"] == {}
    assert other["explanation"]["rank_score"] == 0


@pytest.mark.parametrize("query", ["the of and", "???", "我喜欢喝茶", "'", "\\", "a & (b | !c):*"])
def test_a_question_without_a_known_word_is_answered_by_meaning(alice, query):
    alice.remember("I drink tea.")

    [result] = results(alice, query, explain=True, min_score=0)

    assert result["explanation"]["matched_words"] == {}
    assert result["explanation"]["rank_score"] == pytest.approx(0.48)


@pytest.mark.parametrize("word", ["o'brien", "c:\\temp\\x.txt", "https://a.example/b?c='d'", "50%"])
def test_words_with_marks_in_them_are_found(alice, word):
    alice.remember(f"It was {word} again.")

    [result] = results(alice, word, explain=True)

    assert result["explanation"]["matched_words"]


def test_a_memory_without_a_vector_yet_is_found_by_its_words(alice):
    memory = alice.remember("The bridge is closed.")
    alice.remember("I drink tea.")
    Embedding.objects.filter(memory=memory["id"]).delete()

    hits = {result["text"]: result for result in results(alice, "bridge", explain=True)}

    assert hits["The bridge is closed."]["explanation"]["cosine"] is None
    assert hits["The bridge is closed."]["similarity"] == 0
    assert hits["The bridge is closed."]["explanation"]["rank_score"] == pytest.approx(
        0.48 + 0.35 + 0.6
    )


def test_a_question_as_long_as_a_text_may_be_is_asked_by_its_first_words(alice):
    letters = "bcdfghjklmnpqrstvwxz"
    words = ["".join(word) for word in product(letters, repeat=3)][:2000]
    alice.remember(" ".join(words))

    [result] = results(alice, " ".join(words), explain=True)

    assert set(result["explanation"]["matched_words"]) == set(words[:MAX_LEXEMES])


def test_a_search_takes_as_many_statements_for_many_results_as_for_few(alice):
    def statements(top_k: int) -> int:
        with CaptureQueriesContext(connection) as context:
            assert len(results(alice, "tea", top_k=top_k)) == top_k
        return len([query for query in context if not query["sql"].startswith("UPDATE")])

    stock(alice.user, [f"Tea number {number}." for number in range(60)])

    assert statements(2) == statements(50) <= 16


def test_a_hit_is_written_to_the_access_log_of_the_memory(alice):
    alice.remember("I like tea.", app="kettle")

    results(alice, "tea", app="kettle")

    [access] = Memory.objects.get().accesses.all()
    assert (access.access_type, access.app.name) == ("search", "kettle")


def test_of_very_many_that_are_as_near_the_newest_come_first(alice):
    made = stock(alice.user, ["Samovar."] * 250, vectors=np.full((250, 384), 384**-0.5))

    hits = results(alice, "What was I told?", top_k=3, min_score=0)

    assert [hit["id"] for hit in hits] == [str(memory.pk) for memory in made[:-4:-1]]
