"""The manifest: describes an archive, with the digests of its members."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from .chain import LogHead


class MemberDigest(msgspec.Struct, frozen=True):
    """Of a member as it comes out of the ZIP."""

    sha256: str  # in lower-case hexadecimals
    size: int  # bytes


class VectorSpace(msgspec.Struct, frozen=True):
    """The embedding space of the vectors."""

    provider: str
    model: str
    dimensions: Annotated[int, Meta(ge=1, le=4000)]


class ArchiveUser(msgspec.Struct, frozen=True):
    id: UUID
    user_id: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    format: str
    version: int
    # These three are written for people, and are not checked when an archive is read.
    created_at: Any = None
    server: Any = ""
    user: ArchiveUser
    filters: Any = None
    counts: dict[str, int]  # of each list, and of `vectors`
    members: dict[str, MemberDigest]  # every member but the manifest itself
    vectors: VectorSpace | None = None  # None where there is no such member
    log: LogHead | None = None  # the same

    def to_builtins(self) -> dict[str, Any]:
        """As it is written, with times and ids as they are."""
        written: dict[str, Any] = msgspec.to_builtins(self, builtin_types=(datetime, UUID))
        return written
