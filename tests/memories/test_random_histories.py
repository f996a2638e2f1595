"""`as_of` answers at every moment of random histories what was answered then.

benchmarks/histories.py does the same with a thousand of them.
"""

from __future__ import annotations

import pytest

from memories.change_log.chain_check import find_faults
from tests.memories.random_history import History

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def test_every_moment_of_a_history_is_answered_as_it_was(alice):
    history = History(alice, seed=14)
    history.run(35)

    assert [(number, moment.change) for number, moment, _ in history.wrong_moments()] == []
    assert find_faults(alice.user.pk) == []
