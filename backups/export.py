"""Write all that is kept of a user into an archive."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from django.conf import settings

from accounts.models import User
from accounts.subjects import UserNotFound

from .archive import format
from .archive.writer import COMPRESSION_LEVEL, ArchiveWriter, MemberWriter
from .export_queries import HOW_MANY, LINES, LISTS, SPACE, USER, VECTORS, ExportFilters
from .progress import Progress, ignore_progress
from .snapshot import Chunks, Snapshot, open_snapshot


def archive_filename(user: User) -> str:
    """What an archive is called by who downloads it, in at most 255 characters."""
    return f"memories_export_{user.user_id[:235]}.zip"


def scratch_folder() -> Path:
    """Where files are made that are in the way of nobody. What is for all users may be small."""
    folder: Path = settings.STATE_DIR / "scratch"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def export(
    user: User, target: IO[bytes], *, filters: ExportFilters, progress: Progress = ignore_progress
) -> format.Manifest:
    """Write the archive of a user to a new file, and return its manifest.

    It holds one moment: what is written meanwhile is in it whole or not at all. `progress` is told
    the rows of memories, lines and vectors: the others are few, or as many. Raises UserNotFound
    when the user is gone.
    """
    with open_snapshot() as seen, ArchiveWriter(target) as archive:
        return _Export(seen, archive, user, filters, progress).write()


class _Export:
    def __init__(
        self,
        seen: Snapshot,
        archive: ArchiveWriter,
        user: User,
        filters: ExportFilters,
        progress: Progress,
    ) -> None:
        self._seen = seen
        self._archive = archive
        self._filters = filters
        self._parameters = filters.parameters(user.pk)
        self._progress = progress
        self._counts: dict[str, int] = {}
        self._done = 0
        facts = seen.one(filters.apply_to(HOW_MANY), self._parameters)
        self._moment: datetime = facts["moment"]
        self._total: int = facts["memories"] * (3 if filters.vectors else 2)

    def write(self) -> format.Manifest:
        with self._archive.member(format.ENTITIES) as member:
            owner = self._write_entities(member)
        with (
            self._archive.member(format.LINES, compressed=False) as member,
            gzip.GzipFile(fileobj=member, mode="wb", compresslevel=COMPRESSION_LEVEL) as zipped,
        ):
            for piece, rows in self._lines(LINES):
                zipped.write(piece)
                self._tell(rows)
        space = self._write_vectors() if self._filters.vectors else None
        manifest = self._manifest(owner, space)
        with self._archive.member(format.MANIFEST) as member:
            member.write(_to_json(manifest, indent=2))
        self._progress(self._total, self._total)
        return manifest

    def _write_entities(self, member: MemberWriter) -> format.ArchiveUser:
        """Write `memories.json`: each entity on a line of its own, so that a fault has a place."""
        user = b"".join(piece for piece, _ in self._lines(USER)).strip()
        if not user:
            raise UserNotFound
        member.write(b'{\n"user": ' + user)
        for name, statement in LISTS.items():
            member.write(b',\n"%s": [' % name.encode())
            self._write_list(member, name, self._lines(statement))
            member.write(b"\n]")
        member.write(b',\n"export_meta": %s\n}\n' % _to_json(self._meta()))
        facts = json.loads(user)
        return {"id": UUID(facts["id"]), "user_id": facts["user_id"]}

    def _write_list(self, member: MemberWriter, name: str, pieces: Chunks) -> None:
        self._counts[name] = 0
        separator = b"\n"
        for piece, rows in pieces:
            # A line break never stands within JSON, only behind each row.
            member.write(separator + piece[:-1].replace(b"\n", b",\n"))
            separator = b",\n"
            self._counts[name] += rows
            self._tell(rows if name == "memories" else 0)

    def _write_vectors(self) -> format.VectorSpace:
        space = self._seen.one(SPACE, {})
        statement = self._filters.apply_to(VECTORS)
        self._counts["vectors"] = 0
        # Numbers of this kind hardly shrink, and trying to takes longer than all the rest.
        with self._archive.member(format.VECTORS, compressed=False) as member:
            for piece, rows in self._seen.records(
                statement, {**self._parameters, "space": space["id"]}
            ):
                member.write(piece)
                self._counts["vectors"] += rows
                self._tell(rows)
        return {
            "provider": space["provider"],
            "model": space["model"],
            "dimensions": space["dimensions"],
        }

    def _lines(self, statement: str) -> Chunks:
        return self._seen.lines(self._filters.apply_to(statement), self._parameters)

    def _tell(self, rows: int) -> None:
        self._done += rows
        self._progress(self._done, self._total)

    def _meta(self) -> format.ExportMeta:
        filters = self._filters.for_manifest()
        return {
            "app_id_filter": filters["app_id"],
            "from_date": filters["from_date"],
            "to_date": filters["to_date"],
            "version": "1",
            "generated_at": self._moment,
        }

    def _manifest(
        self, owner: format.ArchiveUser, space: format.VectorSpace | None
    ) -> format.Manifest:
        return {
            "format": format.FORMAT,
            "version": format.VERSION,
            "created_at": self._moment,
            "server": f"openmemory {settings.VERSION}",
            "user": owner,
            "filters": self._filters.for_manifest(),
            "counts": self._counts,
            "members": self._archive.members,
            "vectors": space,
        }


def _to_json(value: Any, *, indent: int | None = None) -> bytes:
    return json.dumps(value, default=_to_text, ensure_ascii=False, indent=indent).encode()


def _to_text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return str(value)
