"""What operators have done in the background, and the server by itself."""

from __future__ import annotations

from collections import Counter
from typing import Any

from accounts.models import User
from jobs.job_run import JobRun

from . import erase as erasing
from . import housekeeping, physical_erasure
from .chores import CHORES
from .erase import ERASE
from .housekeeping import HOUSEKEEP


@HOUSEKEEP.function
def keep_house(run: JobRun) -> None:
    done = {chore.name: Counter[str]() for chore in CHORES}
    with housekeeping.alone():
        for chore in CHORES:
            for counts in chore.do(run.step):
                done[chore.name] += counts
                run.progress(sum(counted.total() for counted in done.values()))
    with run.finishing() as result:
        result.update(done)


@ERASE.function
def erase(run: JobRun) -> None:
    """Erase the person that the job names, or what is left to do of it when they are gone."""

    def tell(what: str) -> None:
        run.progress(0)  # which ends it when it was cancelled

    parameters = run.parameters
    user = User.objects.filter(pk=parameters["user"]).first()
    by = User.objects.filter(pk=parameters["by"]).first()
    scrub: bool = parameters["scrub"]
    if user is None:
        remarks = physical_erasure.clear(whole=scrub, telling=tell)
        done: dict[str, Any] = {"remarks": remarks}
    else:
        erased = erasing.erase(user, by=by, scrub=scrub, telling=tell)
        done = {"act": str(erased.act), "counts": erased.counts, "remarks": erased.remarks}
    with run.finishing() as result:
        result.update(done)
