"""`as_of` reads at every moment of random histories what was read then.

`HISTORIES=1000 SEED=5 make test ARGS=tests/memories/test_random_histories.py` tries a thousand.
"""

from __future__ import annotations

import os
import random

import pytest

from accounts.models import ApiKey, User
from memories.change_log.chain_check import find_faults
from tests.cast import Member
from tests.memories.random_history import History

pytestmark = [
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
    pytest.mark.no_cover,
]

HISTORIES = int(os.environ.get("HISTORIES", "2"))
SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**6))
# So many are told of one database: to empty it takes as long as a history.
BATCH = 20


@pytest.mark.parametrize("first", range(0, HISTORIES, BATCH))
def test_every_moment_of_a_history_is_read_as_it_was(first):
    found = {}
    for seed in range(SEED + first, SEED + min(first + BATCH, HISTORIES)):
        user = User.objects.create_user(f"user {seed}")
        history = History(Member(user, *ApiKey.objects.issue(user=user)), seed=seed)
        history.run(50)
        wrong = [(number, moment.change) for number, moment, _ in history.wrong_moments()]
        found[seed] = wrong + find_faults(user.pk)

    assert {seed: wrong for seed, wrong in found.items() if wrong} == {}
