import uuid

import pytest

from memories.recalling.fusing import Candidate, rank


def candidate(*, cosine: float | None, weight: float = 0.0) -> Candidate:
    return Candidate(uuid.uuid4(), cosine, similarity=0.0, matched=[], weight=weight)


def scores(*candidates: Candidate) -> list[float]:
    ranked = {each.candidate.pk: each.score for each in rank(candidates)}
    return [ranked[each.pk] for each in candidates]


def test_six_tenths_are_nearness_and_four_tenths_words():
    near = candidate(cosine=0.9, weight=0.0)
    wordy = candidate(cosine=0.5, weight=8.0)
    middling = candidate(cosine=0.7, weight=4.0)

    assert scores(near, wordy, middling) == pytest.approx([0.6, 0.4, 0.5])


def test_a_candidate_alone_is_the_nearest():
    assert scores(candidate(cosine=0.1)) == pytest.approx([0.6])
    assert scores(candidate(cosine=0.1, weight=2.0)) == pytest.approx([1.0])


def test_candidates_equally_near_are_all_the_nearest():
    assert scores(candidate(cosine=0.5), candidate(cosine=0.5)) == pytest.approx([0.6, 0.6])


def test_a_candidate_without_a_vector_counts_by_its_words_alone():
    without = candidate(cosine=None, weight=1.0)

    assert scores(without, candidate(cosine=-0.2)) == pytest.approx([1.0, 0.6])
    assert scores(without) == pytest.approx([1.0])


def test_equal_candidates_stay_in_the_order_they_stood_in():
    candidates = [candidate(cosine=0.5) for _ in range(5)]

    assert [each.candidate for each in rank(candidates)] == candidates


def test_no_candidates_make_no_ranking():
    assert rank([]) == []
