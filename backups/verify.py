"""Verify that an archive is intact, and that it can be restored."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO

from accounts.models import User
from core.progress import Progress, ignore_progress
from memories.models import EmbeddingSpace

from .archive.manifest import VectorSpace
from .archive.reader import ArchiveReader
from .importing import Mode, import_archive
from .importing.compare import compare_restored
from .importing.consistency import check_consistency
from .importing.staging import stage_archive
from .scratch_schema import scratch_schema


@dataclass(frozen=True)
class VerifiedArchive:
    """An intact archive."""

    user_pk: uuid.UUID
    user_id: str
    counts: Mapping[str, int]
    space: VectorSpace | None
    has_manifest: bool  # and so was written by this server


def verify_archive(file: IO[bytes], *, progress: Progress = ignore_progress) -> VerifiedArchive:
    """Check every digest and every row, and that the rows agree with each other and the manifest.

    An import makes the same checks. Raises BadArchive and ArchiveTooLarge.
    """
    archive = ArchiveReader(file)
    with stage_archive(archive, user=uuid.uuid4(), vectors=True, progress=progress):
        check_consistency()
    progress(archive.size, archive.size)
    assert archive.user is not None  # noqa: S101 - it was read
    manifest = archive.manifest
    return VerifiedArchive(
        archive.user.id,
        archive.user.user_id,
        archive.counts,
        manifest.vectors if manifest else None,
        manifest is not None,
    )


def try_restore(
    file: IO[bytes], verified: VerifiedArchive, *, progress: Progress = ignore_progress
) -> None:
    """Import an archive into scratch tables, and compare each row with the restored one.

    The tables are dropped afterwards, whatever happens. Raises NotRestored.
    """
    with scratch_schema("memories_embeddingspace"):
        if verified.space:
            _create_space(verified.space)
        user = User.objects.create_user(verified.user_id, id=verified.user_pk)
        import_archive(file, user=user, mode=Mode.OVERWRITE, by=user, progress=progress)
        with stage_archive(
            ArchiveReader(file), user=user.pk, vectors=True, progress=ignore_progress
        ):
            compare_restored(user, exactly=verified.has_manifest)


def _create_space(space: VectorSpace) -> None:
    """Make the archive's embedding space the active one, whatever is configured."""
    EmbeddingSpace.objects.all().delete()
    EmbeddingSpace.objects.create(
        provider=space.provider,
        model=space.model,
        dimensions=space.dimensions,
        state=EmbeddingSpace.State.ACTIVE,
    )
