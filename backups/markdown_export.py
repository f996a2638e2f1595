"""Write the memories of a user as a folder of Markdown files, one for each, in a ZIP."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import datetime
from typing import IO, Any
from uuid import UUID

from django.utils.text import slugify

from accounts.models import User
from accounts.subjects import UserNotFound
from core import disk
from core.progress import Progress, ignore_progress

from .archive.writer import CHECK_BYTES, COMPRESSION_LEVEL
from .export_queries import ExportFilters
from .front_matter import write_note
from .snapshot import Snapshot, open_snapshot

FOLDER = "memories"
MAX_SLUG = 40
_FIRST_YEAR = 1980  # of the times in a ZIP

# In the order in which they were stored, which an import keeps. What is deleted will be purged.
_MEMORIES = "SELECT * FROM ({}) AS memory WHERE state <> 'deleted' ORDER BY arrival"

# These are always written, the others if they say something.
_ALWAYS = ("id", "app", "created_at", "updated_at")
_OTHERS = (
    "state", "state_changed_at", "superseded_by", "categories", "metadata", "actor", "conversation",
    "agent_id", "namespace", "own_key", "expires_at", "valid_from", "valid_until", "immutable",
)  # fmt: skip


def markdown_filename(user: User) -> str:
    """The name of a downloaded folder, in at most 255 characters."""
    return f"memories_markdown_{user.user_id[:230]}.zip"


def export_markdown(
    user: User, target: IO[bytes], *, filters: ExportFilters, progress: Progress = ignore_progress
) -> int:
    """Write a snapshot of the memories to a new file. Returns how many.

    Raises UserNotFound when the user no longer exists, and StorageFull.
    """
    count = 0
    with (
        open_snapshot() as snapshot,
        zipfile.ZipFile(
            target, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION_LEVEL
        ) as folder,
    ):
        size = 0
        for memory, total in _read(snapshot, user, filters):
            note = write_note(_fields(memory), memory["content"]).encode()
            if size % CHECK_BYTES < len(note) and not isinstance(target, io.BytesIO):
                disk.require_space(target.fileno())
            size += len(note)
            folder.writestr(_member(memory), note)
            count += 1
            progress(count, total)
    return count


def _read(
    snapshot: Snapshot, user: User, filters: ExportFilters
) -> Iterator[tuple[dict[str, Any], int]]:
    """The memories with the names of their apps and categories, and how many there may be."""
    statements, parameters = filters.statements(), filters.parameters(user.pk)

    def rows(statement: str) -> Iterator[dict[str, Any]]:
        for chunk, _ in snapshot.read_json(statement, parameters):
            yield from map(json.loads, chunk.splitlines())

    if not [*rows(statements["user"])]:
        raise UserNotFound
    apps = {row["id"]: row["name"] for row in rows(statements["apps"])}
    categories = {row["id"]: row["name"] for row in rows(statements["categories"])}
    total: int = snapshot.fetch_one(statements["snapshot_size"], parameters)["memories"]
    for row in rows(_MEMORIES.format(statements["memories"])):
        names = sorted(categories[pk] for pk in row["category_ids"])
        yield {**row, "app": apps[row["app_id"]], "categories": names}, total


def _fields(memory: dict[str, Any]) -> dict[str, Any]:
    said = {name: memory[name] for name in _OTHERS if memory[name] not in (None, "", [], {}, False)}
    if said["state"] == "active" and memory["state_changed_at"] == memory["created_at"]:
        del said["state_changed_at"]
    return {**{name: memory[name] for name in _ALWAYS}, **said}


def _member(memory: dict[str, Any]) -> zipfile.ZipInfo:
    """Its file: named for its first words, and for its id, so that no two have the same name."""
    words = slugify(memory["content"][:200].partition("\n")[0], allow_unicode=True)
    slug = words[:MAX_SLUG].strip("-_") or "memory"
    moment = datetime.fromisoformat(memory["updated_at"])
    time = (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)
    info = zipfile.ZipInfo(
        f"{FOLDER}/{slug}-{UUID(memory['id']).hex}.md",
        time if moment.year >= _FIRST_YEAR else (_FIRST_YEAR, 1, 1, 0, 0, 0),
    )
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    return info
