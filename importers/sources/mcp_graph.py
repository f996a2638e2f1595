"""The reference memory server of MCP: its knowledge graph, a JSON object on each line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from importers.source import Record
from importers.source_file import SourceFile
from importers.values import as_dict, as_list, as_moment, as_text, digest, present, texts

_FILES = r"[^/]+\.jsonl?"


class McpGraph:
    name: ClassVar = "mcp-memory"
    title: ClassVar = "MCP reference memory server"
    files: ClassVar = "its memory.jsonl, or what its tool read_graph answers"

    def detects(self, file: SourceFile) -> bool:
        names = file.find(_FILES)
        return len(names) == 1 and _is_graph(as_dict(file.peek(names[0])))

    def read(self, file: SourceFile) -> Iterator[Record]:
        if not self.detects(file):
            file.refuse("This is no file of MCP's memory server: no entities or relations.")
        [name] = file.find(_FILES)
        if "entities" in as_dict(file.peek(name)):
            for item in file.items(name):
                kind = {"entities": "entity", "relations": "relation"}.get(item.key, "")
                yield from _read(kind, as_dict(item.value), f"{name}, line {item.line}")
        else:
            for item in file.values(name):
                value = as_dict(item.value)
                yield from _read(as_text(value.get("type")), value, f"{name}, line {item.line}")


def _is_graph(value: dict[str, Any]) -> bool:
    is_entity = value.get("type") == "entity" and "observations" in value
    is_relation = value.get("type") == "relation" and "relationType" in value
    [first] = as_list(value.get("entities"))[:1] or [None]
    is_answer = "observations" in as_dict(first)
    return is_entity or is_relation or is_answer


def _read(kind: str, value: dict[str, Any], place: str) -> Iterator[Record]:
    created = as_moment(value.get("createdAt"))
    if kind == "entity":
        name, entity_type = as_text(value.get("name")), as_text(value.get("entityType"))
        metadata = present(entity=name, entity_type=entity_type)
        notes = [*texts(value.get("observations"))]
        for note in notes:
            # A note often leaves out whom it is about.
            text = note if name.lower() in note.lower() else f"{name}: {note}"
            key = digest("entity", name, note)
            yield Record(text, key, created_at=created, metadata=metadata, place=place)
        if not as_list(value.get("observations")) and name:
            text = f"{name} ({entity_type})" if entity_type else name
            yield Record(
                text, digest("entity", name), created_at=created, metadata=metadata, place=place
            )
    elif kind == "relation":
        ends = [as_text(value.get(end)) for end in ("from", "to")]
        relation = as_text(value.get("relationType"))
        yield Record(
            " ".join([ends[0], relation.replace("_", " "), ends[1]]),
            digest("relation", ends[0], relation, ends[1]),
            created_at=created,
            metadata=present(entity=ends[0], relation=relation, to=ends[1]),
            place=place,
        )
