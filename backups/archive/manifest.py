"""What is accepted of the manifest: by which an archive is known before its rows are read."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta


class MemberDigest(msgspec.Struct, frozen=True):
    sha256: str
    size: int


class VectorSpace(msgspec.Struct, frozen=True):
    provider: str
    model: str
    dimensions: Annotated[int, Meta(ge=1, le=4000)]


class ArchiveUser(msgspec.Struct, frozen=True):
    id: UUID
    user_id: str


class Manifest(msgspec.Struct, frozen=True):
    format: str
    version: int
    user: ArchiveUser
    counts: dict[str, int]
    members: dict[str, MemberDigest]
    vectors: VectorSpace | None = None
