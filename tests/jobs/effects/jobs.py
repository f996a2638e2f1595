"""Jobs that leave a trace: a row in a table that nothing keeps from having it twice."""

from __future__ import annotations

import time
from pathlib import Path

from django.db import connection

from jobs.job_run import JobRun
from jobs.registry import JobType

TABLE = "CREATE TABLE IF NOT EXISTS effects (job uuid, attempt int)"


def leave_a_trace(run: JobRun) -> None:
    """Say that it runs, go on until it is let go, and leave one trace."""
    gate = Path(run.parameters["gate"])
    (gate / f"{run.job.pk}-{run.job.attempts}").touch()
    while not (gate / "open").exists():
        run.progress(run.job.attempts)
        time.sleep(0.02)
    with run.finishing() as result, connection.cursor() as cursor:
        cursor.execute("INSERT INTO effects VALUES (%s, %s)", [run.job.pk, run.job.attempts])
        result["attempt"] = run.job.attempts


JobType("trace", backoff=0.2).function(leave_a_trace)
JobType("long trace", backoff=0.2, queue="long").function(leave_a_trace)
