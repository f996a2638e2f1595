"""Claude: the ZIP of its data export, or one of its files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from importers.source import Part, Record
from importers.source_file import SourceFile
from importers.text_pieces import entries
from importers.values import as_dict, as_moment, as_text, dicts, digest, present

_CONVERSATIONS = r"conversations(-\d+)?\.json"
_MEMORIES = r"memories\.json"
_PROJECTS = r"projects\.json|projects/[^/]+\.json"
_ALL = "|".join([_CONVERSATIONS, _MEMORIES, _PROJECTS])

_MEMORY_FIELDS = {"conversations_memory", "project_memories", "memory_files"}

ROLES = {"human": "user", "assistant": "assistant"}


class Claude:
    name: ClassVar = "claude"
    title: ClassVar = "Claude"
    files: ClassVar = "the ZIP of the data export, or its conversations.json or memories.json"

    def detects(self, file: SourceFile) -> bool:
        return any(_kind(as_dict(file.peek(name))) for name in file.find(_ALL)[:5])

    def read(self, file: SourceFile) -> Iterator[Record]:
        if not self.detects(file):
            file.refuse("This is no export of Claude: neither conversations nor memories.")
        names = file.find(_ALL)
        projects = {
            as_text(each.get("uuid")): as_text(each.get("name"))
            for _, each in _objects(file, names)
            if _kind(each) == "project"
        }
        for place, each in _objects(file, names):
            match _kind(each):
                case "memory":
                    yield from _read_memories(each, projects, place)
                case "project":
                    yield from _read_project(each, place)
                case "conversation":
                    yield from _read_conversation(each, projects, place)


def _objects(file: SourceFile, names: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in names:
        for item in file.values(name):
            yield f"{name}, line {item.line}", as_dict(item.value)


def _kind(value: dict[str, Any]) -> str:
    if "chat_messages" in value:
        return "conversation"
    if value.keys() & _MEMORY_FIELDS:
        return "memory"
    return "project" if "uuid" in value and value.keys() & {"prompt_template", "docs"} else ""


def _read_conversation(
    conversation: dict[str, Any], projects: dict[str, str], place: str
) -> Iterator[Record]:
    pk = as_text(conversation.get("uuid"))
    project = as_text(as_dict(conversation.get("project")).get("uuid")) or as_text(
        conversation.get("project_uuid")
    )
    metadata = present(title=as_text(conversation.get("name")), project=projects.get(project))
    for number, message in enumerate(dicts(conversation.get("chat_messages"))):
        role = ROLES.get(as_text(message.get("sender")))
        text = _text_of(message)
        if role and text:
            yield Record(
                text,
                as_text(message.get("uuid")) or digest(pk, str(number)),
                created_at=as_moment(message.get("created_at"))
                or as_moment(conversation.get("created_at")),
                metadata=metadata,
                actor=role,
                conversation=pk or digest(place),
                part=Part.MESSAGE if role == "user" else Part.ANSWER,
                place=place,
            )


def _text_of(message: dict[str, Any]) -> str:
    """What was said. `text` has placeholders for what tools did."""
    blocks = [
        as_text(block.get("text"))
        for block in dicts(message.get("content"))
        if block.get("type") == "text"
    ]
    return "\n\n".join(block for block in blocks if block) or as_text(message.get("text"))


def _read_memories(
    memory: dict[str, Any], projects: dict[str, str], place: str
) -> Iterator[Record]:
    account = as_text(memory.get("account_uuid"))
    yield from _entries(as_text(memory.get("conversations_memory")), account, place)
    own = memory.get("project_memories")
    if isinstance(own, dict):
        by_project = list(own.items())
    else:
        by_project = [(each.get("project_uuid"), each.get("memory")) for each in dicts(own)]
    for project, text in by_project:
        name = projects.get(as_text(project)) or as_text(project)
        yield from _entries(as_text(text), as_text(project), place, project=name)
    for file in dicts(memory.get("memory_files")):
        path, changed = as_text(file.get("path")), as_moment(file.get("updated_at"))
        for record in _entries(as_text(file.get("content")), path, place, file=path):
            yield Record(**{**vars(record), "created_at": changed})


def _entries(text: str, scope: str, place: str, **metadata: str) -> Iterator[Record]:
    """The paragraphs of a memory, each with the heading that it is under."""
    section = ""
    for entry in entries(text):
        heading = _heading_of(entry.text)
        if heading:
            section = heading
            continue
        first, _, rest = entry.text.partition("\n")
        if rest and _heading_of(first):
            section, body = _heading_of(first), rest
        else:
            body = entry.text
        yield Record(
            body,
            digest("memory", scope, body.strip()),
            created_at=entry.said_at,
            metadata=present(section=section, **metadata, **{"from": "memory"}),
            place=place,
        )


def _heading_of(line: str) -> str:
    """The heading that a line is, `## Work` or `**Work**`, empty for any other text."""
    if "\n" in line or len(line) > 200:
        return ""
    if line.startswith("#"):
        return line.lstrip("#").strip()
    is_bold = len(line) > 4 and line.startswith("**") and line.endswith("**")
    return line[2:-2].strip() if is_bold and "**" not in line[2:-2] else ""


def _read_project(project: dict[str, Any], place: str) -> Iterator[Record]:
    pk, name = as_text(project.get("uuid")), as_text(project.get("name"))
    created = as_moment(project.get("created_at"))
    for field in ("description", "prompt_template"):
        text = as_text(project.get(field))
        if not text.strip():
            continue
        metadata = present(project=name, **{"from": field.replace("_", " ")})
        key = digest("project", pk, field)
        yield Record(text, key, created_at=created, metadata=metadata, place=place)
    for number, document in enumerate(dicts(project.get("docs"))):
        yield Record(
            as_text(document.get("content")),
            as_text(document.get("uuid")) or digest("document", pk, str(number)),
            created_at=as_moment(document.get("created_at")) or created,
            metadata=present(project=name, file=as_text(document.get("filename"))),
            place=place,
        )
