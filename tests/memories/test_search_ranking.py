import uuid
from datetime import timedelta

import pytest

from memories.search.candidates import Candidate
from memories.search.fusion import Booster, fuse_scores
from memories.search.scoring_weights import ScoringWeights
from tests.memories.stock import BEGINNING

ALONE = ScoringWeights(similarity=0.6, words=0.4)


def candidate(
    *, cosine: float | None, lexical: float = 0.0, actor: str = "", minute: int = 0
) -> Candidate:
    return Candidate(
        uuid.uuid4(),
        created_at=BEGINNING + timedelta(minutes=minute),
        actor=actor,
        in_conversation=True,
        cosine=cosine,
        similarity=0.0,
        matched=[],
        lexical=lexical,
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


def test_the_words_of_the_best_neighbour_within_two_places_count_in_part():
    quiet, near, far = candidate(cosine=0.5), *(candidate(cosine=0.5, lexical=w) for w in (4, 8))
    boosters = {quiet.pk: [Booster(near, 2), Booster(far, 3)]}
    weights = ScoringWeights(similarity=0.6, words=0.4, nearby_words=0.5)

    [ranked] = [
        entry
        for entry in fuse_scores([quiet, near, far], weights, boosters=boosters)
        if entry.candidate is quiet
    ]

    assert ranked.lexical_part == pytest.approx(0.5 * 4 / 8)
    assert (ranked.lexical_boost.memory_id, ranked.lexical_boost.value) == (near.pk, 4)


def test_a_candidate_is_boosted_by_the_best_of_its_neighbours_less_for_each_place():
    best, good, poor = (candidate(cosine=cosine) for cosine in (0.9, 0.8, 0.5))
    boosters = {poor.pk: [Booster(best, 3), Booster(good, 1)]}
    weights = ScoringWeights(similarity=0.6, words=0.4, context=0.25, per_place=0.8)

    ranked = fuse_scores([best, good, poor], weights, boosters=boosters)[-1]

    assert ranked.candidate is poor
    assert (ranked.context_boost.memory_id, ranked.context_boost.places) == (good.pk, 1)
    assert ranked.score == pytest.approx(0.25 * 0.8 * 0.6 * 0.75)


def test_who_is_named_gets_something_for_it():
    ana, ben = candidate(cosine=0.5, actor="Ana"), candidate(cosine=0.5, actor="Ben")
    weights = ScoringWeights(similarity=0.6, words=0.4, speaker=0.15)

    assert scores(ana, ben, weights=weights, named_actors={"Ana"}) == pytest.approx([0.75, 0.6])
    assert scores(ana, ben, weights=weights) == pytest.approx([0.6, 0.6])
