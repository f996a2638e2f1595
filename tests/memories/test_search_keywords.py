import math
from random import Random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from memories.access.reader import Reader
from memories.models import EmbeddingSpace, Memory, State, UserIndex
from memories.search.lexemes import Lexeme, find_by_keywords, parse_terms, query_lexemes
from tests.memories.stock import stock

pytestmark = pytest.mark.slow

# Made up, so that the dictionary neither stems nor stops them; each half as common as the last.
NAMES = [f"zq{letter}x" for letter in "abcdefghij"]


@pytest.fixture
def space(db: None) -> EmbeddingSpace:
    return EmbeddingSpace.objects.current()


def lexemes_in(question: str, user: User) -> list[Lexeme]:
    space = EmbeddingSpace.objects.current()
    terms = parse_terms(question)
    return query_lexemes(terms, reader=Reader(user), space=space).known


def texts_of_names(count: int) -> list[str]:
    random = Random(7)
    return [
        " ".join(name for rank, name in enumerate(NAMES) if random.random() < 0.6**rank) or "none"
        for _ in range(count)
    ]


def best_scores(memories: list[Memory], names: list[str], limit: int) -> list[float]:
    """The greatest scores, by the formula and nothing else."""
    words_of_memories = [set(memory.content.split()) for memory in memories]
    df = {name: sum(name in words for words in words_of_memories) for name in names}
    weights = {
        name: math.log(1 + (len(memories) - df[name] + 0.5) / (df[name] + 0.5)) for name in names
    }
    sums = [sum(weights[name] for name in names if name in words) for words in words_of_memories]
    return sorted((score for score in sums if score), reverse=True)[:limit]


def test_the_rarer_a_lexeme_the_more_it_weighs(alice):
    stock(alice.user, ["Green tea."] * 3 + ["Black tea."] * 5 + ["Coffee."] * 2)

    lexemes = lexemes_in("green tea or milk", alice.user)

    assert [(lexeme.text, lexeme.document_frequency) for lexeme in lexemes] == [
        ("green", 3),
        ("tea", 8),
    ]
    assert [lexeme.idf for lexeme in lexemes] == pytest.approx(
        [math.log(1 + 7.5 / 3.5), math.log(1 + 2.5 / 8.5)]
    )


def test_words_are_counted_among_the_memories_of_one_user(alice, bob):
    stock(alice.user, ["Green tea."] * 3)
    stock(bob.user, ["Green tea."] * 30)

    [lexeme] = lexemes_in("green", alice.user)

    assert lexeme.document_frequency == 3


def test_what_was_counted_with_the_index_is_not_counted_again(alice, space):
    stock(alice.user, ["Green tea."] * 3)
    UserIndex.objects.create(user=alice.user, space=space, memories=1000, common_words={"tea": 400})

    green, tea = lexemes_in("green tea", alice.user)

    assert (green.document_frequency, tea.document_frequency) == (3, 400)
    assert green.idf == pytest.approx(math.log(1 + 997.5 / 3.5))
    assert tea.idf == pytest.approx(math.log(1 + 600.5 / 400.5))


def test_a_word_that_has_outgrown_what_was_counted_weighs_next_to_nothing(alice, space):
    stock(alice.user, ["Green tea."] * 30)
    UserIndex.objects.create(user=alice.user, space=space, memories=2, common_words={})

    [lexeme] = lexemes_in("green", alice.user)

    assert 0 < lexeme.idf < 0.02


def test_the_best_by_keywords_are_exactly_those_of_the_formula(alice):
    memories = stock(alice.user, texts_of_names(1200))
    by_id, reader = {memory.pk: memory for memory in memories}, Reader(alice.user)

    for names in (NAMES, NAMES[:3], NAMES[4:], NAMES[::4], NAMES[:1], NAMES[-1:]):
        lexemes = lexemes_in(" ".join(names), alice.user)
        weights = {lexeme.text: lexeme.idf for lexeme in lexemes}
        for limit in (1, 10, 100):
            with CaptureQueriesContext(connection) as context:
                ids = find_by_keywords(reader.memories(), lexemes, reader=reader, limit=limit)

            words_of_memories = [set(by_id[pk].content.split()) & set(names) for pk in ids]
            sums = [sum(weights[name] for name in held) for held in words_of_memories]
            assert sums == pytest.approx(best_scores(memories, names, limit))
            assert len(context) <= 2


def test_of_equal_words_the_newest_are_the_best(alice):
    memories = stock(alice.user, ["Green tea."] * 50)
    lexemes, reader = lexemes_in("green tea", alice.user), Reader(alice.user)

    ids = find_by_keywords(reader.memories(), lexemes, reader=reader, limit=10)

    assert ids == [memory.pk for memory in reversed(memories[-10:])]


def test_common_words_find_what_filters_leave_of_the_rare_ones(alice):
    stock(alice.user, ["Green tea."] * 310 + ["Tea."] * 400, conversation="other")
    left = stock(alice.user, ["Black tea."] * 20, conversation="this")
    lexemes = lexemes_in("green tea", alice.user)

    reader = Reader(alice.user)
    memories = reader.memories().in_conversations(["this"])
    ids = find_by_keywords(memories, lexemes, reader=reader, limit=100)

    assert set(ids) == {memory.pk for memory in left}


@pytest.mark.parametrize("state", [State.PAUSED, State.ARCHIVED, State.DELETED])
def test_only_active_memories_count(alice, state):
    stock(alice.user, ["Green tea."] * 3)
    stock(alice.user, ["Green tea.", "Black tea."], state=state)

    lexemes = lexemes_in("green black tea", alice.user)

    assert [(lexeme.text, lexeme.document_frequency) for lexeme in lexemes] == [
        ("green", 3),
        ("tea", 3),
    ]
    assert lexemes[0].idf == pytest.approx(math.log(4 / 3.5))
