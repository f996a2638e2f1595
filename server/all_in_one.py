"""All processes of a single machine but its services: `python -m server.all_in_one`.

`make run` starts it. It waits for the end of its standard input, which says that the services
answer, prepares the database, and forks the web processes and a worker for all jobs.
Rationale: docs/decisions/0039-processes-and-memory.md.
"""

from __future__ import annotations

import os
import sys

from server import bootstrap, forks, preload

# Seconds that running jobs have to finish. A job that does not is run again later.
JOB_SECONDS = 10.0


def main() -> None:
    preload.limit_arenas()
    preload.load_modules(jobs=True)
    sys.stdin.buffer.read()
    say("Preparing the database …")
    preparation = forks.fork("openmemory-prep", _prepare)
    preload.load_model()
    preparation.join()
    if preparation.exitcode:
        sys.exit(1)  # it has said why
    say("Starting the web server and the worker …")
    _run()


def _run() -> None:
    from django.conf import settings

    from server import web, worker
    from server.master import Master, OnDemand, Role

    long_jobs = OnDemand(
        "openmemory-long",
        worker.run_long_jobs,
        limit=settings.WORKERS["long"],
        stop_seconds=JOB_SECONDS,
    )
    role = Role(
        "openmemory-jobs",
        lambda: worker.run_quick_jobs(ask_for_long_job=long_jobs.ask),
        number=1,
        stop_seconds=JOB_SECONDS,
    )
    forks.freeze()
    roles = [web.make_role(), role]
    Master(roles, drain_seconds=settings.DRAIN_SECONDS, on_demand=long_jobs).run()


def _prepare() -> None:
    from django.core.exceptions import ImproperlyConfigured

    from embedded.errors import ServiceFailed
    from server.preparation import prepare_database

    try:
        prepare_database()
    except ServiceFailed as error:
        sys.exit(error.detail)
    except ImproperlyConfigured as error:
        sys.exit(f"Invalid settings: {error}")


def say(text: str) -> None:
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except OSError:  # the reader is gone, and the server goes on
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115


if __name__ == "__main__":
    with bootstrap.report_invalid_settings():
        main()
