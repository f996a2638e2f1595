"""The log of an archive, and proof that nobody has changed it.

The hashes are those of the database: see docs/decisions/0031-log.md and docs/backup-format.md.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

FIRST_HASH = "0" * 64
GONE = ("purged", "erased")

Hash = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Whole = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class LogHead(msgspec.Struct, frozen=True):
    """The end of a log. Whoever keeps it can tell later that nothing before it was changed."""

    sequence: Whole
    hash: Hash


class ArchivedLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line. `snapshot` is the text that was hashed."""

    id: Whole
    user_id: UUID
    sequence: Whole
    at: Annotated[datetime, Meta(tz=True)]
    kind: str
    memory_id: UUID | None
    by: UUID | None
    key: UUID | None
    app: UUID | None
    last_state_change: Whole
    last_revision: Whole
    run: UUID | None
    salt: Annotated[str, Meta(pattern="^([0-9a-f]{2})*$")] | None
    snapshot: str | None
    content_hash: Hash
    previous_hash: Hash
    hash: Hash


class BrokenChain(ValueError):
    """What is wrong with a line, in a sentence."""


class LogVerifier:
    """Follows a log from its first line to its last."""

    def __init__(self) -> None:
        self.head = LogHead(0, FIRST_HASH)
        self._at = datetime.min.replace(tzinfo=UTC)
        self._redacted: dict[UUID | None, int] = {}

    def follow(self, line: ArchivedLine) -> None:
        """Raises BrokenChain."""
        if line.sequence != self.head.sequence + 1 or line.previous_hash != self.head.hash:
            raise BrokenChain("It does not follow the line before it.")
        if line.at < self._at:
            raise BrokenChain("It is older than the line before it.")
        if line.hash != line_hash(line):
            raise BrokenChain("The line was changed.")
        self._check_content(line)
        self.head, self._at = LogHead(line.sequence, line.hash), line.at

    def finish(self) -> None:
        """Raises BrokenChain."""
        if self._redacted:
            sequence = min(self._redacted.values())
            raise BrokenChain(f"The content of line {sequence} was removed without a purge.")

    def _check_content(self, line: ArchivedLine) -> None:
        if line.kind in GONE:
            self._redacted.pop(line.memory_id, None)
        elif line.salt is None and line.snapshot is None:
            self._redacted.setdefault(line.memory_id, line.sequence)
            return
        content = bytes.fromhex(line.salt or "") + (line.snapshot or "").encode(errors="replace")
        if hashlib.sha256(content).hexdigest() != line.content_hash:
            raise BrokenChain("The content of the line was changed.")


def line_hash(line: ArchivedLine) -> str:
    """As the database computes it, from the text of a JSON array."""
    seconds = int(line.at.replace(microsecond=0).timestamp())
    texts = [
        json.dumps(line.previous_hash), str(line.id), _id(line.user_id), str(line.sequence),
        f"{seconds}.{line.at.microsecond:06}", json.dumps(line.kind, ensure_ascii=False),
        _id(line.memory_id), _id(line.by), _id(line.key), _id(line.app),
        str(line.last_state_change), str(line.last_revision), json.dumps(line.content_hash),
        *([] if line.run is None else [_id(line.run)]),
    ]  # fmt: skip
    text = f"[{', '.join(texts)}]"
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def _id(value: UUID | None) -> str:
    return "null" if value is None else f'"{value}"'
