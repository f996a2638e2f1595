"""Write all the data of a user into an archive."""

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
from core.progress import Progress, ignore_progress

from .archive import format
from .archive.chain import LogHead
from .archive.manifest import ArchiveUser, Manifest, VectorSpace
from .archive.rows import LISTS
from .archive.writer import COMPRESSION_LEVEL, ArchiveWriter, MemberWriter
from .export_queries import ExportFilters
from .snapshot import Chunks, Snapshot, open_snapshot


def archive_filename(user: User) -> str:
    """The name of a downloaded archive, in at most 255 characters."""
    return f"memories_export_{user.user_id[:235]}.zip"


def scratch_folder() -> Path:
    """The folder for temporary files. The system's own may be too small for an archive."""
    folder: Path = settings.STATE_DIR / "scratch"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def export(
    user: User,
    target: IO[bytes],
    *,
    filters: ExportFilters,
    progress: Progress = ignore_progress,
) -> Manifest:
    """Write the archive of a user to a new file, and return its manifest.

    It is a snapshot: concurrent writes are in it whole or not at all. `progress` counts the rows of
    memories, lines and vectors: the other lists are short, or as long. Raises UserNotFound when the
    user no longer exists.
    """
    with open_snapshot() as snapshot, ArchiveWriter(target) as archive:
        return _Export(snapshot, archive, user, filters, progress).write()


class _Export:
    def __init__(
        self,
        snapshot: Snapshot,
        archive: ArchiveWriter,
        user: User,
        filters: ExportFilters,
        progress: Progress,
    ) -> None:
        self._snapshot = snapshot
        self._archive = archive
        self._filters = filters
        self._statements = filters.statements()
        self._parameters = filters.parameters(user.pk)
        self._progress = progress
        self._counts: dict[str, int] = {}
        self._done = 0
        size = snapshot.fetch_one(self._statements["snapshot_size"], self._parameters)
        self._created_at: datetime = size["moment"]
        self._total: int = size["memories"] * (3 if filters.vectors else 2)

    def write(self) -> Manifest:
        with self._archive.member(format.ENTITIES) as member:
            user = self._write_entities(member)
        with (
            self._archive.member(format.LINES, compressed=False) as member,
            gzip.GzipFile(fileobj=member, mode="wb", compresslevel=COMPRESSION_LEVEL) as lines,
        ):
            for chunk, rows in self._read("lines"):
                lines.write(chunk)
                self._advance(rows)
        log = None if self._filters.narrow else self._write_log()
        space = self._write_vectors() if self._filters.vectors else None
        manifest = self._manifest(user, space, log)
        with self._archive.member(format.MANIFEST) as member:
            member.write(_dump_json(manifest.to_builtins(), indent=2))
        self._progress(self._total, self._total)
        return manifest

    def _write_entities(self, member: MemberWriter) -> ArchiveUser:
        """Write `memories.json`, one entity a line: an error in it can name the line."""
        user = b"".join(chunk for chunk, _ in self._read("user")).strip()
        if not user:
            raise UserNotFound
        member.write(b'{\n"user": ' + user)
        for name in LISTS:
            member.write(b',\n"%s": [' % name.encode())
            self._write_list(member, name)
            member.write(b"\n]")
        member.write(b',\n"export_meta": %s\n}\n' % _dump_json(self._export_meta()))
        fields = json.loads(user)
        return ArchiveUser(UUID(fields["id"]), fields["user_id"])

    def _write_list(self, member: MemberWriter, name: str) -> None:
        self._counts[name] = 0
        separator = b"\n"
        for chunk, rows in self._read(name):
            # JSON escapes line breaks, so each of these ends a row.
            member.write(separator + chunk[:-1].replace(b"\n", b",\n"))
            separator = b",\n"
            self._counts[name] += rows
            self._advance(rows if name == "memories" else 0)

    def _write_log(self) -> LogHead | None:
        """Not beside a part of the memories: it has all of them."""
        try:
            head = self._snapshot.fetch_one(self._statements["log_head"], self._parameters)
        except LookupError:
            return None
        with (
            self._archive.member(format.LOG, compressed=False) as member,
            gzip.GzipFile(fileobj=member, mode="wb", compresslevel=COMPRESSION_LEVEL) as lines,
        ):
            for chunk, _ in self._read("log"):
                lines.write(chunk)
        return LogHead(head["sequence"], head["hash"])

    def _write_vectors(self) -> VectorSpace:
        space = self._snapshot.fetch_one(self._statements["vector_space"], {})
        parameters = {**self._parameters, "space": space["id"]}
        self._counts["vectors"] = 0
        # Such numbers hardly shrink, and compressing them takes longer than all the rest.
        with self._archive.member(format.VECTORS, compressed=False) as member:
            for chunk, rows in self._snapshot.read_bytes(self._statements["vectors"], parameters):
                member.write(chunk)
                self._counts["vectors"] += rows
                self._advance(rows)
        return VectorSpace(space["provider"], space["model"], space["dimensions"])

    def _read(self, name: str) -> Chunks:
        return self._snapshot.read_json(self._statements[name], self._parameters)

    def _advance(self, rows: int) -> None:
        self._done += rows
        self._progress(self._done, self._total)

    def _export_meta(self) -> dict[str, Any]:
        filters = self._filters.as_written()
        return {
            "app_id_filter": filters["app_id"],
            "from_date": filters["from_date"],
            "to_date": filters["to_date"],
            "version": "1",
            "generated_at": self._created_at,
        }

    def _manifest(
        self, user: ArchiveUser, space: VectorSpace | None, log: LogHead | None
    ) -> Manifest:
        return Manifest(
            format=format.FORMAT,
            version=format.VERSION,
            created_at=self._created_at,
            server=f"openmemory {settings.VERSION}",
            user=user,
            filters=self._filters.as_written(),
            counts=self._counts,
            members=self._archive.members,
            vectors=space,
            log=log,
        )


def _dump_json(value: Any, *, indent: int | None = None) -> bytes:
    return json.dumps(value, default=_to_text, ensure_ascii=False, indent=indent).encode()


def _to_text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return str(value)
