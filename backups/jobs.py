"""The job types of exports, imports and backups."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

from django.conf import settings

from accounts.models import User
from accounts.subjects import UserNotFound
from core import disk
from core.errors import Conflict
from core.transactions import change
from jobs import files
from jobs.job_run import JobRun
from jobs.models import Job
from jobs.registry import JobType

from .export import archive_filename, export
from .export_queries import ExportFilters
from .files import back_up_user
from .importing import Mode, dry_run_import, import_archive
from .markdown_export import export_markdown, markdown_filename
from .schedule import BACKUP

EXPORT = JobType("export", queue="long")
IMPORT = JobType("import", queue="long")

# Unfinished jobs of one type and owner: each keeps a file for a while.
MAX_UNFINISHED = 5


class TooManyExports(Conflict):
    """You have too many unfinished exports: cancel one, or try again when they are done."""

    code = "too_many_exports"


class TooManyImports(Conflict):
    """You have too many unfinished imports: cancel one, or try again when they are done."""

    code = "too_many_imports"


class DryRunExpired(Conflict):
    """The job is not a dry run, or its archive was removed: send the archive again."""

    code = "nothing_tried"


class ExportFormat(StrEnum):
    """An archive has everything. Markdown has the memories, for people and other programs."""

    ARCHIVE = "archive"
    MARKDOWN = "markdown"


def enqueue_export(
    user: User,
    filters: ExportFilters,
    *,
    by: User,
    export_format: ExportFormat = ExportFormat.ARCHIVE,
) -> Job:
    """Enqueue the export of a user. Raises TooManyExports."""
    if Job.objects.owned_by(by).unfinished().filter(kind=EXPORT.name).count() >= MAX_UNFINISHED:
        raise TooManyExports
    with change():
        parameters = {"user": str(user.pk), "format": export_format, **filters.to_json()}
        return EXPORT.enqueue(owner=by, parameters=parameters)


@EXPORT.function
def run_export(run: JobRun) -> None:
    user = _get_user(run.parameters)
    filters = ExportFilters.from_json(run.parameters)
    path = run.folder / "archive.zip"
    with path.open("xb") as target:
        # Jobs of earlier versions name no format.
        if run.parameters.get("format") == ExportFormat.MARKDOWN:
            name = markdown_filename(user)
            counts = {
                "memories": export_markdown(user, target, filters=filters, progress=run.progress)
            }
        else:
            name = archive_filename(user)
            counts = export(user, target, filters=filters, progress=run.progress).counts
    size = path.stat().st_size
    run.attach(path, name)
    with run.finishing() as result:
        result.update(user_id=user.named_id, counts=counts, size=size)


def enqueue_import(
    file: IO[bytes], user: User, mode: Mode, *, by: User, dry_run: bool = False
) -> Job:
    """Enqueue an import or a dry run of it. Raises TooManyImports and StorageFull."""
    if Job.objects.owned_by(by).unfinished().filter(kind=IMPORT.name).count() >= MAX_UNFINISHED:
        raise TooManyImports
    disk.require_space(settings.STATE_DIR, file.seek(0, os.SEEK_END))
    file.seek(0)
    parameters = {"user": str(user.pk), "mode": mode, "dry_run": dry_run}
    with change():
        return IMPORT.enqueue(owner=by, parameters=parameters, upload=file)


def enqueue_import_after_dry_run(pk: uuid.UUID, *, by: User) -> Job:
    """Enqueue the import of the file that a dry run was made with.

    Raises JobNotFound, DryRunExpired and TooManyImports.
    """
    dry_run = Job.objects.filter(kind__in=AFTER_DRY_RUN).one(pk)
    if not (dry_run.parameters.get("dry_run") and dry_run.upload and files.exists(dry_run.upload)):
        raise DryRunExpired
    with files.open_file(dry_run.upload) as file:
        return AFTER_DRY_RUN[dry_run.kind](file, dry_run.parameters, by)


def _import_archive_after(file: IO[bytes], parameters: dict[str, Any], by: User) -> Job:
    return enqueue_import(file, _get_user(parameters), Mode(parameters["mode"]), by=by)


# What imports the file of a dry run, with its parameters and for whom, by the type of its job.
AFTER_DRY_RUN: dict[str, Callable[[IO[bytes], dict[str, Any], User], Job]] = {
    IMPORT.name: _import_archive_after
}


@IMPORT.function
def run_import(run: JobRun) -> None:
    arguments: dict[str, Any] = {
        "user": _get_user(run.parameters),
        "mode": Mode(run.parameters["mode"]),
        "by": run.owner,
        "progress": run.progress,
    }
    with run.upload as file:
        if not run.parameters.get("dry_run"):
            import_archive(file, **arguments, finishing=run.finishing)
            return
        counts = dry_run_import(file, **arguments)
    with run.finishing() as result:
        result |= counts


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
