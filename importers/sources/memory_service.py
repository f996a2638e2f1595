"""mcp-memory-service (doobidoo): the JSON of its export script or of its dashboard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from importers.source import Record
from importers.source_file import SourceFile
from importers.values import as_dict, as_moment, as_text, digest, present, texts

_FILES = r"[^/]+\.json"


class MemoryService:
    name: ClassVar = "mcp-memory-service"
    title: ClassVar = "mcp-memory-service"
    files: ClassVar = "the JSON of its export script or dashboard"

    def detects(self, file: SourceFile) -> bool:
        names = file.find(_FILES)
        return len(names) == 1 and _is_export(as_dict(file.peek(names[0])))

    def read(self, file: SourceFile) -> Iterator[Record]:
        if not self.detects(file):
            file.refuse("This is no export of mcp-memory-service: no list of memories.")
        [name] = file.find(_FILES)
        for item in file.items(name):
            if item.key == "memories":
                yield _read(as_dict(item.value), f"{name}, line {item.line}")


def _is_export(value: dict[str, Any]) -> bool:
    is_named = bool(value.keys() & {"export_metadata", "export_date"})
    return is_named and isinstance(value.get("memories"), list)


def _read(memory: dict[str, Any], place: str) -> Record:
    text = as_text(memory.get("content"))
    created = as_moment(memory.get("created_at")) or as_moment(memory.get("created_at_iso"))
    metadata = as_dict(memory.get("metadata"))
    return Record(
        text,
        as_text(memory.get("content_hash")) or digest(text),
        created_at=created,
        updated_at=as_moment(memory.get("updated_at"))
        or as_moment(memory.get("updated_at_iso"))
        or created,
        categories=_tags(memory.get("tags")),
        metadata={**metadata, **present(memory_type=as_text(memory.get("memory_type")))},
        place=place,
    )


def _tags(value: Any) -> Sequence[str]:
    """A list; the database itself has them in one text."""
    tags = value.split(",") if isinstance(value, str) else texts(value)
    return [tag.strip() for tag in tags if tag.strip()]
