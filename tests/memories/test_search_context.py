"""Ranking by who said a memory, and by what was said around it."""

from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps_registry.models import AccessRule, Effect
from memories.access.reader import Reader
from memories.models import EmbeddingSpace, Memory, State
from memories.search import Cutoffs, find_hits
from memories.search.pipeline import CANDIDATES
from tests.cast import Member
from tests.memories.stock import stock

pytestmark = pytest.mark.slow

# An answer that shares nothing with what is asked, after a sentence that shares all of it.
EXCHANGE = [
    ("Ana", "Where did you spend the holiday on the lake with your canoe?"),
    ("Ben", "Near Ohrid, until the rain came."),
]
QUESTION = "Where did they spend the holiday on the lake with the canoe?"
OTHERS = [
    "The tax office wrote about last year's return.",
    "The new phone has a better camera.",
    "Bread needs flour, salt and yeast.",
    "The meeting was moved to Thursday.",
    "A holiday in the mountains costs more.",
]


def results(member: Member, query: str, **body) -> list[dict]:
    answer = member.post("/memories/search", {"query": query, **body})
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


def texts(member: Member, query: str, **body) -> list[str]:
    return [result["text"] for result in results(member, query, **body)]


def say(member: Member, lines, **fields) -> list[dict]:
    return [
        member.remember(text, actor=actor, infer=False, **{"timestamp": 1_700_000_000, **fields})
        for actor, text in lines
    ]


@pytest.fixture
def talk(alice):
    """An exchange, and facts that have nothing to do with it."""
    for text in OTHERS:
        alice.remember(text, infer=False)
    return say(alice, EXCHANGE)


def boost_of(member: Member, memory: dict, **body) -> dict | None:
    result_by_id = {
        result["id"]: result for result in results(member, QUESTION, explain=True, **body)
    }
    return result_by_id[memory["id"]]["explanation"]["nearby_words"]


def switch_boosts_off(settings) -> None:
    settings.RECALL_NEARBY_WORDS = 0
    settings.RECALL_CONTEXT = 0
    settings.RECALL_ANSWERS = 0
    settings.RECALL_SPEAKER = 0


def test_an_answer_is_boosted_by_the_question_that_it_answers(alice, talk, settings):
    assert texts(alice, QUESTION)[:2] == [text for _, text in EXCHANGE]

    switch_boosts_off(settings)

    assert texts(alice, QUESTION)[1] != EXCHANGE[1][1]


def test_an_answer_is_found_that_neither_meaning_nor_words_bring(alice, settings):
    vector = EmbeddingSpace.objects.current().embedder.embed_query("A holiday on a lake.")
    stock(alice.user, ["Nothing."] * CANDIDATES, vectors=[vector] * CANDIDATES)
    _, answer = say(alice, EXCHANGE)

    cutoffs = Cutoffs(min_score=0)
    ids = [UUID(answer["id"])]

    def is_candidate() -> bool:
        found = find_hits(QUESTION, reader=Reader(alice.user), cutoffs=cutoffs, missing=ids)
        [missing] = found.missing
        return missing.place is not None

    assert is_candidate()

    switch_boosts_off(settings)

    assert not is_candidate()


def test_who_is_named_comes_before_who_says_the_same(alice):
    for actor in ("Ana", "Ben", "Cleo"):
        say(alice, [(actor, "I like green tea.")], conversation=actor)

    assert results(alice, "What tea does Ben like?")[0]["actor"] == "Ben"
    assert results(alice, "What tea does ANA like?")[0]["actor"] == "Ana"


def test_facts_rank_as_they_did_whatever_weight_the_context_has(alice, settings):
    for text in [*OTHERS, "Ana spends her holiday on a lake.", "Ben's canoe is green."]:
        alice.remember(text, infer=False)
    questions = [QUESTION, "What does Ana do?", "canoe", "Was there a letter?"]
    with_context = [results(alice, question, explain=True) for question in questions]

    switch_boosts_off(settings)

    for question, before in zip(questions, with_context, strict=True):
        after = results(alice, question, explain=True)
        assert [result["id"] for result in after] == [result["id"] for result in before]
        assert [result["score"] for result in after] == [result["score"] for result in before]


def test_an_explanation_with_context_adds_up_to_the_score(alice, talk):
    question, answer = talk

    result_by_id = {
        result["id"]: result for result in results(alice, f"Ben: {QUESTION}", explain=True)
    }

    explanation = result_by_id[answer["id"]]["explanation"]
    assert explanation["speaker"] == "Ben"
    assert explanation["nearby_words"]["memory_id"] == question["id"]
    assert explanation["nearby_words"]["places"] == 1
    assert explanation["nearby_words_part"] == 1
    assert explanation["context_part"] > 0
    for result in result_by_id.values():
        parts = result["explanation"]
        added = sum(parts["weights"][part] * parts[f"{part}_part"] for part in parts["weights"])
        assert parts["rank_score"] == pytest.approx(added)
    asked = result_by_id[question["id"]]["explanation"]
    weights = asked["weights"]
    by_itself = (
        weights["similarity"] * asked["similarity_part"] + weights["words"] * asked["words_part"]
    ) / (weights["similarity"] + weights["words"])
    assert explanation["answers_part"] == pytest.approx(by_itself)


def test_a_fact_beside_a_conversation_keeps_its_place(alice):
    fact = alice.remember("The canoe has a hole.", infer=False)
    say(alice, [(name, f"Canoes, {number}!") for number, name in enumerate(["Ana", "Ben"] * 4)])

    first = results(alice, "Does the canoe have a hole?", explain=True)[0]

    assert first["id"] == fact["id"]
    explanation = first["explanation"]
    assert explanation["nearby_words"] is None
    assert explanation["nearby_words_part"] > 0 < explanation["context_part"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("When did Ana see the dentist?", 1.0),
        ("Wann war Ana beim Zahnarzt?", 1.0),
        ("¿Cuándo fue Ana al dentista?", 1.0),
        ("安娜什么时候去看牙医?", 1.0),
        ("Did Ana see the dentist?", 0.0),
    ],
)
def test_words_for_times_count_where_the_query_asks_when(alice, query, expected):
    alice.remember("Ana saw the dentist, and hated it.", infer=False)
    told = alice.remember("Ana saw the dentist yesterday.", infer=False)

    result_by_id = {result["id"]: result for result in results(alice, query, explain=True)}

    parts = {pk: result["explanation"]["when_part"] for pk, result in result_by_id.items()}
    assert parts.pop(told["id"]) == expected
    assert set(parts.values()) == {0.0}


@pytest.mark.parametrize("state", [State.PAUSED, State.ARCHIVED, State.DELETED])
def test_what_is_not_active_boosts_nothing(alice, talk, state):
    question, answer = talk

    Memory.objects.filter(pk=question["id"]).change_state(state, by=alice.user)

    assert boost_of(alice, answer) is None


def test_what_an_app_may_not_read_boosts_nothing(alice, talk):
    question, answer = talk
    app = Memory.objects.get(pk=question["id"]).app
    assert boost_of(alice, answer, app=app.name)["memory_id"] == question["id"]

    AccessRule.objects.create(app=app, memory_id=question["id"], effect=Effect.DENY)

    assert boost_of(alice, answer, app=app.name) is None


def test_what_filters_leave_out_boosts_nothing(alice, talk):
    _, answer = talk

    assert boost_of(alice, answer, filters={"actors": ["ben"]}) is None
    assert boost_of(alice, answer, filters={"actors": ["ana", "ben"]}) is not None


def test_what_another_conversation_says_boosts_nothing(alice):
    say(alice, EXCHANGE[:1], conversation="one")
    [answer] = say(alice, EXCHANGE[1:], conversation="another")

    assert boost_of(alice, answer) is None


def statements(member: Member, query: str, **body) -> int:
    with CaptureQueriesContext(connection) as context:
        results(member, query, **body)
    return len([query for query in context if not query["sql"].startswith("UPDATE")])


def test_a_search_takes_two_statements_more_for_context_however_much_there_is(alice, settings):
    def stock_and_count(conversations: int) -> int:
        for number in range(conversations):
            texts = [f"On the lake, {place}." for place in range(7)]
            stock(alice.user, texts, actor="Ana", conversation=f"c{number}")
        return statements(alice, QUESTION, top_k=50)

    few = stock_and_count(2)
    many = stock_and_count(40)
    settings.RECALL_SPEAKER = 0
    without_speaker = statements(alice, QUESTION, top_k=50)
    switch_boosts_off(settings)
    without = statements(alice, QUESTION, top_k=50)

    assert without < few <= many <= without + 2
    assert without_speaker == many


def test_facts_take_no_statement_more(alice, settings):
    stock(alice.user, OTHERS * 5)
    with_context = statements(alice, QUESTION)

    switch_boosts_off(settings)

    assert statements(alice, QUESTION) == with_context
