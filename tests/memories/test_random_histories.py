"""`as_of` answers at every moment of random histories what was answered then.

`HISTORIES=1000 make test ARGS=tests/memories/test_random_histories.py` tries a thousand.
"""

from __future__ import annotations

import os

import pytest

from memories.change_log.chain_check import find_faults
from tests.memories.random_history import History

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


HISTORIES = int(os.environ.get("HISTORIES", "1"))


@pytest.mark.parametrize("seed", range(14, 14 + HISTORIES))
def test_every_moment_of_a_history_is_answered_as_it_was(alice, seed):
    history = History(alice, seed=seed)
    history.run(50 if HISTORIES > 1 else 35)

    assert [(number, moment.change) for number, moment, _ in history.wrong_moments()] == []
    assert find_faults(alice.user.pk) == []
