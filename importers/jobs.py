"""The job type of imports from other products."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import IO, Any

from django.conf import settings

from accounts.models import User
from accounts.subjects import UserNotFound
from backups.jobs import AFTER_DRY_RUN, IMPORT, MAX_UNFINISHED, TooManyImports
from core import disk
from core.transactions import change
from jobs.job_run import JobRun
from jobs.models import Job
from jobs.registry import JobType

from .import_records import Import
from .source import Part

IMPORT_FROM = JobType("import_from", queue="long")


def enqueue_import_from(
    file: IO[bytes],
    name: str,
    source: str,
    user: User,
    *,
    by: User,
    leave_out: Collection[Part] = (),
    dry_run: bool = False,
) -> Job:
    """Enqueue an import or a dry run of it. Raises TooManyImports and StorageFull."""
    kinds = [IMPORT.name, IMPORT_FROM.name]
    if Job.objects.owned_by(by).unfinished().filter(kind__in=kinds).count() >= MAX_UNFINISHED:
        raise TooManyImports
    disk.require_space(settings.STATE_DIR, file.seek(0, os.SEEK_END))
    file.seek(0)
    parameters = {
        "user": str(user.pk),
        "source": source,
        "name": name[:255].replace("\0", ""),
        "leave_out": sorted(leave_out),
        "dry_run": dry_run,
    }
    with change():
        return IMPORT_FROM.enqueue(owner=by, parameters=parameters, upload=file)


def _import_after(file: IO[bytes], parameters: dict[str, Any], by: User) -> Job:
    return enqueue_import_from(file, by=by, **_arguments(parameters))


AFTER_DRY_RUN[IMPORT_FROM.name] = _import_after


@IMPORT_FROM.function
def run_import_from(run: JobRun) -> None:
    """What an earlier attempt has stored is known to this one."""
    with run.upload as file:
        arguments = _arguments(run.parameters)
        arguments["source_name"] = arguments.pop("source")
        work = Import(file, by=run.owner, progress=run.progress, run_id=run.job.pk, **arguments)
        outcome = work.try_out() if run.parameters["dry_run"] else work.run()
    with run.finishing() as result:
        result |= outcome


def _arguments(parameters: dict[str, Any]) -> dict[str, Any]:
    """Raises UserNotFound."""
    user = User.objects.filter(pk=parameters["user"]).first()
    if user is None:
        raise UserNotFound
    return {
        "user": user,
        "name": parameters["name"],
        "source": parameters["source"],
        "leave_out": [Part(name) for name in parameters["leave_out"]],
    }
