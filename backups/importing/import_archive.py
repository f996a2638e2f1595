"""Put back what an archive holds: all of it, or nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import IO, Any

from django.db import IntegrityError, transaction
from psycopg.errors import UniqueViolation

from accounts.models import User
from backups.archive.reader import ArchiveReader
from backups.progress import Progress, ignore_progress
from core.errors import Conflict
from jobs.models import Job
from memories.models import EmbeddingSpace
from memories.vectors.embed import enqueue_missing
from memories.vectors.user_index import enqueue_if_outgrown

from .consistency import check_consistency
from .merge import Merge, Mode
from .staging import drop_staged_lines, stage_archive

Result = dict[str, Any]

# How often it is merged anew when others have stored the same ids at the same moment.
ATTEMPTS = 3


class ImportConflict(Conflict):
    """Others have stored the same while this was imported: send it again."""

    code = "stored_meanwhile"


@contextmanager
def commit_at_once() -> Iterator[Result]:
    with transaction.atomic():
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
    """Import an archive into a user: what was made, and the job that makes missing vectors.

    A user who was not stored yet is stored with it, and is called what the archive says. Nobody
    sees anything of it until the transaction of `finishing` ends, in whose dict the result is put.
    `progress` is told the bytes that were read, and as many again as they are stored. Raises
    BadArchive, ArchiveTooLarge and StoredMeanwhile, and then nothing has changed.
    """
    archive, new = ArchiveReader(file), user._state.adding
    space = _find_space(archive)
    with stage_archive(archive, user=user.pk, vectors=space is not None, progress=progress):
        check_consistency()
        drop_staged_lines()

        def report(share: float) -> None:
            progress(archive.size + int(share * archive.size), 2 * archive.size)

        for attempt in range(ATTEMPTS):
            try:
                with finishing() as result:
                    if new:
                        _create_user(user, archive)
                    result |= _merge(archive, user, mode, by, space, report)
            except IntegrityError as error:
                if not isinstance(error.__cause__, UniqueViolation):
                    raise
                if attempt == ATTEMPTS - 1:
                    raise ImportConflict from error
            else:
                return result
    raise AssertionError("it ends with a result or with an error")


def _find_space(archive: ArchiveReader) -> EmbeddingSpace | None:
    """Find the space that the vectors of an archive lie in, if there is one here."""
    facts = archive.manifest and archive.manifest.vectors
    if not facts:
        return None
    return (
        EmbeddingSpace.objects.written()
        .filter(provider=facts.provider, model=facts.model, dimensions=facts.dimensions)
        .first()
    )


def _create_user(user: User, archive: ArchiveReader) -> None:
    assert archive.user is not None  # noqa: S101 - it was read
    user.name, user.email = archive.user.name or "", archive.user.email or ""
    user.metadata = archive.user.metadata or {}
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
    counts = merge.run()
    # In the same transaction: whoever sees the memories, sees that they are being embedded.
    job = enqueue_missing(user) if merge.lacks_vectors() else None
    if space is not None:
        enqueue_if_outgrown(user.pk, space.pk)
    return {
        "message": f'Import completed into user "{user.user_id}"',
        **dataclasses.asdict(counts),
        "job": _job_path(job) if job else None,
    }


def _job_path(job: Job) -> str:
    return f"/api/v1/jobs/{job.pk}"
