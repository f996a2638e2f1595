"""Prove that an archive is whole, and that it can be put back."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO

from accounts.models import User
from memories.models import EmbeddingSpace

from .archive.manifest import VectorFacts
from .archive.reader import Archive
from .importing import Mode, import_archive
from .importing.compare import compare
from .importing.consistency import check
from .importing.staging import staged
from .progress import Progress, silent
from .scratch_schema import scratch_schema


@dataclass(frozen=True)
class Verified:
    """What a whole archive is of."""

    user: uuid.UUID
    user_id: str
    counts: Mapping[str, int]
    vectors: VectorFacts | None
    is_ours: bool  # and so has a manifest


def verify(file: IO[bytes], *, progress: Progress = silent) -> Verified:
    """Check every digest, every row, and that they agree with each other and with the manifest.

    Exactly what an import would check. Raises BadArchive and ArchiveTooLarge.
    """
    archive = Archive(file)
    with staged(archive, user=uuid.uuid4(), vectors=True, progress=progress):
        check()
    progress(archive.size, archive.size)
    assert archive.user is not None  # noqa: S101 - it was read
    manifest = archive.manifest
    return Verified(
        archive.user.id,
        archive.user.user_id,
        archive.counts,
        manifest.vectors if manifest else None,
        manifest is not None,
    )


def try_restore(file: IO[bytes], verified: Verified, *, progress: Progress = silent) -> None:
    """Import an archive into tables of its own, and compare each row with what it became there.

    The tables are dropped afterwards, whatever happens. Raises NotRestored.
    """
    with scratch_schema("memories_embeddingspace"):
        if verified.vectors:
            _make_space(verified.vectors)
        user = User.objects.create_user(verified.user_id, id=verified.user)
        import_archive(file, user=user, mode=Mode.OVERWRITE, by=user, progress=progress)
        with staged(Archive(file), user=user.pk, vectors=True, progress=silent):
            compare(user, exactly=verified.is_ours)


def _make_space(facts: VectorFacts) -> None:
    """Have the space of the archive as the current one, whatever is configured here."""
    EmbeddingSpace.objects.all().delete()
    EmbeddingSpace.objects.create(
        provider=facts.provider,
        model=facts.model,
        dimensions=facts.dimensions,
        state=EmbeddingSpace.State.ACTIVE,
    )
