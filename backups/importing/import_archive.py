"""Import an archive: all of it, or nothing."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.urls import reverse
from psycopg.errors import UniqueViolation

from accounts.models import User
from accounts.models.user import validate_time_zone
from backups.archive.reader import ArchiveReader
from core import disk
from core.errors import Conflict
from core.progress import Progress, ignore_progress
from core.transactions import change
from jobs.models import Job
from memories.change_log.run_name import name_run, send_no_webhooks
from memories.models import EmbeddingSpace
from memories.vectors.embed import enqueue_missing
from memories.vectors.user_index import enqueue_if_outgrown

from .consistency import check_consistency
from .former_log import name_former_log
from .merge import Merge, Mode
from .staging import drop_staged_lines, stage_archive

Result = dict[str, Any]

# Attempts to merge, if others store the same ids at the same moment.
ATTEMPTS = 3


class ImportConflict(Conflict):
    """The same ids were stored during the import: send the archive again."""

    code = "stored_meanwhile"


@contextmanager
def commit_at_once() -> Iterator[Result]:
    with change():
        yield {}


def import_archive(
    file: IO[bytes],
    *,
    user: User,
    mode: Mode,
    by: User,
    progress: Progress = ignore_progress,
    finishing: Callable[[], AbstractContextManager[Result]] = commit_at_once,
) -> Result:
    """Import an archive into a user. Returns the counts, and the job that embeds the rest.

    A `user` that is not saved yet is saved too, with the name and the address from the archive.
    Everything becomes visible when the transaction of `finishing` ends, whose dict gets the result.
    `progress` counts the bytes that are read, and as many again while they are stored. Raises
    BadArchive, ArchiveTooLarge, StorageFull and ImportConflict; then nothing has changed.
    """
    archive, is_new_user = ArchiveReader(file), user._state.adding
    progress = _checking_space(progress)
    space = _find_space(archive)
    with stage_archive(archive, user=user.pk, vectors=space is not None, progress=progress):
        check_consistency()
        drop_staged_lines()

        def report(share: float) -> None:
            progress(archive.size + int(share * archive.size), 2 * archive.size)

        for attempt in range(ATTEMPTS):
            try:
                with finishing() as result:
                    if is_new_user:
                        _create_user(user, archive)
                    result |= _merge(archive, user, mode, by, space, report)
            except IntegrityError as error:
                if not isinstance(error.__cause__, UniqueViolation):
                    raise
                if attempt == ATTEMPTS - 1:
                    raise ImportConflict from error
            else:
                return result
    raise AssertionError("the last attempt returns or raises")


def _checking_space(progress: Progress) -> Progress:
    """Also require space for the embedded database, which keeps the staged rows on its disk."""
    if settings.DATABASE_URL:
        return progress

    def check(done: int, total: int) -> None:
        disk.require_space(settings.STATE_DIR)
        progress(done, total)

    return check


def _find_space(archive: ArchiveReader) -> EmbeddingSpace | None:
    """Find the embedding space of the archive's vectors, if it exists here."""
    space = archive.manifest and archive.manifest.vectors
    if not space:
        return None
    return (
        EmbeddingSpace.objects.written()
        .filter(provider=space.provider, model=space.model, dimensions=space.dimensions)
        .first()
    )


def _create_user(user: User, archive: ArchiveReader) -> None:
    assert archive.user is not None  # noqa: S101 - it was read
    user.name, user.email = archive.user.name or "", archive.user.email or ""
    user.metadata = archive.user.metadata or {}
    user.infer = archive.user.infer
    user.categories_not_kept = archive.user.categories_not_kept
    with suppress(ValidationError):  # a zone that this server does not know
        validate_time_zone(archive.user.time_zone)
        user.time_zone = archive.user.time_zone
    user.save(force_insert=True)


def _merge(
    archive: ArchiveReader,
    user: User,
    mode: Mode,
    by: User,
    space: EmbeddingSpace | None,
    report: Callable[[float], None],
) -> Result:
    assert archive.user is not None  # noqa: S101 - it was read
    merge = Merge(
        user=user,
        by=by,
        mode=mode,
        source=archive.user.id,
        is_own=archive.user.id == user.pk or archive.user.user_id == user.user_id,
        has_first_states=archive.manifest is not None,
        rows=archive.counts,
        space=space,
        report=report,
    )
    name_run(uuid.uuid4())
    send_no_webhooks()
    head = archive.manifest and archive.manifest.log
    if head:
        name_former_log(head, source=archive.user.id, user=user)
    counts = merge.run()
    # In the same transaction: the memories become visible together with the job that embeds them.
    job = enqueue_missing(user) if merge.lacks_vectors() else None
    if space is not None:
        enqueue_if_outgrown(user.pk, space.pk)
    return {
        "message": f'Import completed into user "{user.named_id}"',
        **dataclasses.asdict(counts),
        "job": _job_path(job) if job else None,
    }


def _job_path(job: Job) -> str:
    return reverse("job", args=[job.pk])
