"""Jobs that leave a trace: a row in a table that nothing keeps from having it twice."""

from __future__ import annotations

import time
from pathlib import Path

from django.db import connection

from jobs.job_run import Work
from jobs.registry import Kind, register

TABLE = "CREATE TABLE IF NOT EXISTS effects (job uuid, attempt int)"


def leave_a_trace(work: Work) -> None:
    """Say that it runs, go on until it is let go, and leave one trace."""
    gate = Path(work.parameters["gate"])
    (gate / f"{work.job.pk}-{work.job.attempts}").touch()
    while not (gate / "open").exists():
        work.progress(work.job.attempts)
        time.sleep(0.02)
    with work.finishing() as result, connection.cursor() as cursor:
        cursor.execute("INSERT INTO effects VALUES (%s, %s)", [work.job.pk, work.job.attempts])
        result["attempt"] = work.job.attempts


register(Kind("trace", leave_a_trace, pause=0.2))
register(Kind("long trace", leave_a_trace, pause=0.2, lane="long"))
