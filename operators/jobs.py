"""What operators have done in the background, and the server by itself."""

from __future__ import annotations

from collections import Counter
from typing import Any

from accounts.models import User
from jobs.deletion import StillRunning
from jobs.job_run import Work
from jobs.registry import Kind, register
from memories.vectors.user_index import IndexingUnderway

from . import erase as erasing
from . import housekeeping, physical_erasure
from .chores import CHORES
from .erase import HeldUp
from .housekeeping import HousekeepingUnderway
from .vacuum import TablesBusy


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
        retries_on=(HousekeepingUnderway, IndexingUnderway, TablesBusy),
        lane="long",
    )
)


def erase(work: Work) -> None:
    """Erase the person that the job names, or what is left to do of it when they are gone."""

    def tell(what: str) -> None:
        work.progress(0)  # which ends it when it was cancelled

    parameters = work.parameters
    user = User.objects.filter(pk=parameters["user"]).first()
    by = User.objects.filter(pk=parameters["by"]).first()
    scrub: bool = parameters["scrub"]
    if user is None:
        remarks = physical_erasure.clear(whole=scrub, telling=tell)
        done: dict[str, Any] = {"remarks": remarks}
    else:
        erased = erasing.erase(user, by=by, scrub=scrub, telling=tell)
        done = {"act": str(erased.act), "counts": erased.counts, "remarks": erased.remarks}
    with work.finishing() as result:
        result.update(done)


register(
    Kind(
        erasing.JOB,
        erase,
        attempts=50,
        retries_on=(StillRunning, HeldUp, IndexingUnderway, TablesBusy),
        lane="long",
    )
)
