"""Prove that an archive is whole, and that it can be put back."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO

from accounts.models import User
from memories.models import EmbeddingSpace

from .archive.manifest import VectorSpace
from .archive.reader import ArchiveReader
from .importing import Mode, import_archive
from .importing.compare import compare_restored
from .importing.consistency import check_consistency
from .importing.staging import stage_archive
from .progress import Progress, ignore_progress
from .scratch_schema import scratch_schema


@dataclass(frozen=True)
class VerifiedArchive:
    """What a whole archive is of."""

    user: uuid.UUID
    user_id: str
    counts: Mapping[str, int]
    vectors: VectorSpace | None
    is_ours: bool  # and so has a manifest


def verify_archive(file: IO[bytes], *, progress: Progress = ignore_progress) -> VerifiedArchive:
    """Check every digest, every row, and that they agree with each other and with the manifest.

    Exactly what an import would check. Raises BadArchive and ArchiveTooLarge.
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
    """Import an archive into tables of its own, and compare each row with what it became there.

    The tables are dropped afterwards, whatever happens. Raises NotRestored.
    """
    with scratch_schema("memories_embeddingspace"):
        if verified.vectors:
            _create_space(verified.vectors)
        user = User.objects.create_user(verified.user_id, id=verified.user)
        import_archive(file, user=user, mode=Mode.OVERWRITE, by=user, progress=progress)
        with stage_archive(
            ArchiveReader(file), user=user.pk, vectors=True, progress=ignore_progress
        ):
            compare_restored(user, exactly=verified.is_ours)


def _create_space(facts: VectorSpace) -> None:
    """Have the space of the archive as the current one, whatever is configured here."""
    EmbeddingSpace.objects.all().delete()
    EmbeddingSpace.objects.create(
        provider=facts.provider,
        model=facts.model,
        dimensions=facts.dimensions,
        state=EmbeddingSpace.State.ACTIVE,
    )
