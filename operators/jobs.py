"""What operators have done in the background, and the server by itself."""

from __future__ import annotations

from collections import Counter

from jobs.kinds import Kind, register
from jobs.work import Work
from memories.indexing import IndexingUnderway

from . import housekeeping
from .chores import CHORES
from .housekeeping import HousekeepingUnderway


def keep_house(work: Work) -> None:
    done = {chore.name: Counter[str]() for chore in CHORES}
    with housekeeping.alone():
        for chore in CHORES:
            for counts in chore.do(work.step):
                done[chore.name] += counts
                work.progress(sum(counted.total() for counted in done.values()))
    with work.finishing() as result:
        result.update(done)


register(
    Kind(
        housekeeping.JOB,
        keep_house,
        attempts=20,
        retries_on=(HousekeepingUnderway, IndexingUnderway),
        lane="long",
    )
)
