import uuid

import pytest

from memories.search.candidate_rows import Candidate
from memories.search.fusion import Booster, Parts, fuse_scores
from memories.search.scoring_weights import ScoringWeights
from tests.memories.stock import BEGINNING

ALONE = ScoringWeights(similarity=0.6, words=0.4)


def candidate(
    *,
    cosine: float | None,
    lexical: float = 0.0,
    actor: str = "",
    minute: int = 0,
    conversation: str | None = "talk",
    is_question: bool = False,
    time_words: float = 0.0,
) -> Candidate:
    return Candidate(
        uuid.uuid4(),
        created_at=BEGINNING.timestamp() + 60 * minute,
        actor=actor,
        conversation=conversation,
        cosine=cosine,
        similarity=0.0,
        matched=[],
        lexical=lexical,
        is_question=is_question,
        time_words=time_words,
    )


def scores(*candidates: Candidate, weights: ScoringWeights = ALONE, **known) -> list[float]:
    ranked = {
        entry.candidate.pk: entry.score for entry in fuse_scores(candidates, weights, **known)
    }
    return [ranked[candidate.pk] for candidate in candidates]


def test_six_tenths_are_nearness_and_four_tenths_words():
    near = candidate(cosine=0.9, lexical=0.0)
    wordy = candidate(cosine=0.5, lexical=8.0)
    middling = candidate(cosine=0.7, lexical=4.0)

    assert scores(near, wordy, middling) == pytest.approx([0.6, 0.4, 0.5])


def test_a_candidate_alone_is_the_nearest():
    assert scores(candidate(cosine=0.1)) == pytest.approx([0.6])
    assert scores(candidate(cosine=0.1, lexical=2.0)) == pytest.approx([1.0])


def test_candidates_equally_near_are_all_the_nearest():
    assert scores(candidate(cosine=0.5), candidate(cosine=0.5)) == pytest.approx([0.6, 0.6])


def test_a_candidate_without_a_vector_counts_by_its_words_alone():
    without = candidate(cosine=None, lexical=1.0)

    assert scores(without, candidate(cosine=-0.2)) == pytest.approx([1.0, 0.6])
    assert scores(without) == pytest.approx([1.0])


def test_of_equal_candidates_the_newest_come_first_and_then_the_lower_ids():
    candidates = [candidate(cosine=0.5, minute=minute) for minute in (1, 3, 2, 3)]
    first, second, third, fourth = candidates

    ranked = [entry.candidate for entry in fuse_scores(candidates, ALONE)]

    assert ranked == [*sorted([second, fourth], key=lambda candidate: candidate.pk), third, first]


def test_no_candidates_make_no_ranking():
    assert fuse_scores([], ALONE) == []


def parts(*candidates: Candidate, weights: ScoringWeights = ALONE, **known) -> list[Parts]:
    ranked = {
        entry.candidate.pk: entry.parts for entry in fuse_scores(candidates, weights, **known)
    }
    return [ranked[candidate.pk] for candidate in candidates]


def test_the_words_of_the_best_neighbour_within_two_places_count():
    quiet, near, far = candidate(cosine=0.5), *(candidate(cosine=0.5, lexical=w) for w in (4, 8))
    boosters = {quiet.pk: [Booster(near, -2), Booster(far, 3)], near.pk: [Booster(far, 1)]}
    weights = ScoringWeights(similarity=0.6, words=0.4, nearby_words=0.5)

    [ranked] = [
        entry
        for entry in fuse_scores([quiet, near, far], weights, boosters=boosters)
        if entry.candidate is quiet
    ]

    assert ranked.parts.nearby_words == pytest.approx(4 / 8)
    assert ranked.score == pytest.approx(0.6 + 0.5 * 4 / 8)
    assert (ranked.nearby_words.memory_id, ranked.nearby_words.value) == (near.pk, 4)


def test_the_three_best_of_the_half_hour_around_a_memory_are_its_context():
    weights = ScoringWeights(similarity=0.6, words=0.4, context=0.24)
    alike = [candidate(cosine=cosine, minute=30) for cosine in (0.9, 0.8, 0.7, 0.6)]
    elsewhere = candidate(cosine=0.9, minute=30, conversation="other")
    later = candidate(cosine=0.9, minute=61)
    poor = candidate(cosine=0.4)

    [*_, part] = parts(*alike, elsewhere, later, poor, weights=weights)

    assert part.context == pytest.approx(0.6 * (1 + 0.8 + 0.6) / 3)


def test_what_is_missing_of_a_half_hour_counts_as_nothing():
    weights = ScoringWeights(similarity=0.6, words=0.4, context=0.24)

    near, poor = parts(candidate(cosine=0.9), candidate(cosine=0.4), weights=weights)

    assert (near.context, poor.context) == pytest.approx((0, 0.6 / 3))


def test_an_answer_has_the_score_of_the_question_right_before_it():
    weights = ScoringWeights(similarity=0.6, words=0.4, answers=0.25)
    question = candidate(cosine=0.9, actor="Ana", is_question=True)
    statement = candidate(cosine=0.9, actor="Ana")
    answer, other = candidate(cosine=0.4, actor="Ben"), candidate(cosine=0.4, actor="Ana")

    def answers(candidate: Candidate, booster: Candidate, place: int) -> float:
        boosters = {candidate.pk: [Booster(booster, place)]}
        *_, part = parts(booster, candidate, weights=weights, boosters=boosters)
        return part.answers

    assert answers(answer, question, -1) == pytest.approx(0.6)
    assert answers(answer, question, -2) == 0
    assert answers(answer, question, 1) == 0
    assert answers(answer, statement, -1) == 0
    assert answers(other, question, -1) == 0


def test_what_stands_alone_gets_the_context_of_the_best_in_a_conversation():
    weights = ScoringWeights(similarity=0.6, words=0.4, nearby_words=0.2, context=0.24)
    alone = candidate(cosine=0.8, conversation=None)
    said = [candidate(cosine=0.9 - number / 100, lexical=number) for number in range(12)]
    boosters = {said[0].pk: [Booster(said[5], 1)]}

    *others, fact = parts(*said, alone, weights=weights, boosters=boosters)

    best = others[:10]
    assert fact.context == pytest.approx(sum(part.context for part in best) / 10) != 0
    assert fact.nearby_words == pytest.approx(1 / 10)
    assert fact.answers == 0


def test_where_all_stand_alone_none_has_a_context():
    weights = ScoringWeights(similarity=0.6, words=0.4, context=0.24)
    facts = [candidate(cosine=cosine, conversation=None) for cosine in (0.9, 0.8)]

    assert [part.context for part in parts(*facts, weights=weights)] == [0, 0]
    assert scores(*facts, weights=weights) == pytest.approx([0.6, 0])


def test_who_is_named_gets_something_for_it():
    ana, ben = candidate(cosine=0.5, actor="Ana"), candidate(cosine=0.5, actor="Ben")
    weights = ScoringWeights(similarity=0.6, words=0.4, speaker=0.15)

    assert scores(ana, ben, weights=weights, named_actors={"Ana"}) == pytest.approx([0.75, 0.6])
    assert scores(ana, ben, weights=weights) == pytest.approx([0.6, 0.6])


def test_words_for_times_count_by_their_worth():
    weights = ScoringWeights(similarity=0.6, words=0.4, when=0.2)
    short, long = candidate(cosine=0.5, time_words=1.0), candidate(cosine=0.5, time_words=0.25)

    assert scores(short, long, weights=weights) == pytest.approx([0.8, 0.65])
