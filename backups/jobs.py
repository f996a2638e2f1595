"""The kinds of jobs about archives."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import IO, Any

from django.conf import settings

from accounts.models import User
from accounts.subjects import UserNotFound
from core.errors import Conflict
from jobs import files
from jobs.job_run import JobRun
from jobs.models import Job
from jobs.registry import JobType

from .export import archive_filename, export
from .export_queries import ExportFilters
from .files import back_up_user
from .importing import Mode, dry_run_import, import_archive
from .schedule import BACKUP

EXPORT = JobType("export", queue="long")
IMPORT = JobType("import", queue="long")

# What one person may have waiting: each becomes a file that is kept for a while.
MAX_WAITING = 5


class TooManyExports(Conflict):
    """Several exports of yours are waiting already: cancel one, or try again when they are done."""

    code = "too_many_exports"


class TooManyImports(Conflict):
    """Several imports of yours are waiting already: cancel one, or try again when they are done."""

    code = "too_many_imports"


class DryRunExpired(Conflict):
    """The archive of this job is not kept any more: send it again."""

    code = "nothing_tried"


def enqueue_export(user: User, filters: ExportFilters, *, by: User) -> Job:
    """Have the archive of a user made in the background. Raises TooManyExports."""
    if Job.objects.owned_by(by).unfinished().filter(kind=EXPORT.name).count() >= MAX_WAITING:
        raise TooManyExports
    return EXPORT.enqueue(owner=by, parameters={"user": str(user.pk), **filters.to_json()})


@EXPORT.function
def run_export(run: JobRun) -> None:
    user = _get_user(run.parameters)
    path = run.folder / "archive.zip"
    with path.open("xb") as target:
        manifest = export(
            user, target, filters=ExportFilters.from_json(run.parameters), progress=run.progress
        )
    size = path.stat().st_size
    run.attach(path, archive_filename(user))
    with run.finishing() as result:
        result.update(user_id=user.user_id, counts=manifest.counts, size=size)


def enqueue_import(
    file: IO[bytes], user: User, mode: Mode, *, by: User, dry_run: bool = False
) -> Job:
    """Have an archive imported, or said what that would do, later. Raises TooManyImports."""
    if Job.objects.owned_by(by).unfinished().filter(kind=IMPORT.name).count() >= MAX_WAITING:
        raise TooManyImports
    parameters = {"user": str(user.pk), "mode": mode, "dry_run": dry_run}
    return IMPORT.enqueue(owner=by, parameters=parameters, upload=file)


def enqueue_import_after_dry_run(pk: uuid.UUID, *, by: User) -> Job:
    """Have an archive imported that was only tried before, by the file that was sent then.

    Raises JobNotFound, NothingTried and TooManyImports.
    """
    tried = Job.objects.filter(kind=IMPORT.name).one(pk)
    if not (tried.parameters.get("dry_run") and tried.upload and files.exists(tried.upload)):
        raise DryRunExpired
    with files.open_file(tried.upload) as file:
        return enqueue_import(
            file, _get_user(tried.parameters), Mode(tried.parameters["mode"]), by=by
        )


@IMPORT.function
def run_import(run: JobRun) -> None:
    given: dict[str, Any] = {
        "user": _get_user(run.parameters),
        "mode": Mode(run.parameters["mode"]),
        "by": run.owner,
        "progress": run.progress,
    }
    with run.upload as file:
        if not run.parameters.get("dry_run"):
            import_archive(file, **given, finishing=run.finishing)
            return
        preview = dry_run_import(file, **given)
    with run.finishing() as result:
        result |= preview


@BACKUP.function
def run_backup(run: JobRun) -> None:
    folder = Path(run.parameters["folder"])
    path = back_up_user(run.owner, folder, keep=settings.BACKUP_KEEP, progress=run.progress)
    with run.finishing() as result:
        result.update(file=path.name, size=path.stat().st_size)


def _get_user(parameters: dict[str, Any]) -> User:
    try:
        return User.objects.get(pk=parameters["user"])
    except User.DoesNotExist:
        raise UserNotFound from None
