"""Jobs of operators and of the server itself."""

from __future__ import annotations

from collections import Counter
from typing import Any

from accounts.models import User
from jobs.job_run import JobRun

from .chores import CHORES
from .erase import ERASE, erase_user
from .housekeeping import HOUSEKEEP, hold_lock
from .physical_erasure import erase_physically


@HOUSEKEEP.function
def run_housekeeping(run: JobRun) -> None:
    counts_by_chore = {chore.name: Counter[str]() for chore in CHORES}
    with hold_lock():
        for chore in CHORES:
            for counts in chore.run(run.step):
                counts_by_chore[chore.name] += counts
                run.progress(sum(counted.total() for counted in counts_by_chore.values()))
    with run.finishing() as result:
        result.update(counts_by_chore)


@ERASE.function
def run_erasure(run: JobRun) -> None:
    """Erase the job's user. If their row is gone already, only the physical erasure is left."""

    def report(step: str) -> None:
        run.progress(0)  # raises if the job was cancelled

    parameters = run.parameters
    user = User.objects.filter(pk=parameters["user"]).first()
    by = User.objects.filter(pk=parameters["by"]).first()
    scrub: bool = parameters["scrub"]
    if user is None:
        remarks = erase_physically(rewrite=scrub, report=report)
        outcome: dict[str, Any] = {"remarks": remarks}
    else:
        erasure = erase_user(user, by=by, scrub=scrub, report=report)
        outcome = {"act": str(erasure.act), "counts": erasure.counts, "remarks": erasure.remarks}
    with run.finishing() as result:
        result.update(outcome)
