"""A folder of Markdown: notes of Obsidian and others, or what this server exported."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar

from backups.archive.errors import BadArchive
from backups.front_matter import MARK, VERSION, read_fields, split_note
from importers.source import Kept, Record
from importers.source_file import SourceFile
from importers.values import as_moment, digest
from importers.yaml_front import read_front
from memories.models import State, Terms
from memories.own_keys import Address, InvalidAddress

_FILES = r"[^/]+\.(md|markdown)"

CREATED = ("created", "created_at", "date", "date created")
UPDATED = ("updated", "updated_at", "modified", "last_modified", "date modified")
TAGS = ("tags", "tag", "categories", "category")

_HASHES = re.compile(r"[\s,]+")


class MarkdownFolder:
    name: ClassVar = "markdown"
    title: ClassVar = "Markdown (Obsidian)"
    files: ClassVar = "a folder or its ZIP with files named .md, or one such file"

    def detects(self, file: SourceFile) -> bool:
        names = file.find(_FILES)
        return bool(names) and names[0].lower().endswith((".md", ".markdown"))

    def read(self, file: SourceFile) -> Iterator[Record]:
        names = file.find(_FILES)
        if not names:
            file.refuse("There is no file named .md in it.")
        # As archives of this server are written: an import keeps the order of what it stores.
        wanted = set(names)
        root = _find_root(file)
        for name in (each for each in file.names if each in wanted):
            yield _read_note(file.text(name), name, name.removeprefix(root), file.modified_at(name))


def _find_root(file: SourceFile) -> str:
    """The folder that holds all others, as the way in which a folder is packed decides on it."""
    tops = {name.partition("/")[0] for name in file.names}
    return f"{tops.pop()}/" if len(tops) == 1 and file.is_zip else ""


def _read_note(note: str, name: str, path: str, changed: datetime | None) -> Record:
    front, text = split_note(note)
    fields = read_fields(front) if front else None
    if fields is None and front:
        fields = read_front(front)
        if fields is None:  # it only looks like front matter
            fields, text = {}, note
    if fields and MARK in fields:
        return _read_own(fields, text, name)
    return _read_foreign(fields or {}, text, path, changed)


def _read_foreign(fields: dict[str, Any], text: str, path: str, changed: datetime | None) -> Record:
    lowered = {field.lower(): field for field in fields}
    created, used = None, set()
    for field in (lowered[each] for each in CREATED if each in lowered):
        created = as_moment(fields[field])
        if created:
            used.add(field)
            break
    updated = None
    for field in (lowered[each] for each in UPDATED if each in lowered):
        updated = as_moment(fields[field])
        if updated:
            used.add(field)
            break
    categories: list[str] = []
    for field in (lowered[each] for each in TAGS if each in lowered):
        categories += _read_tags(fields[field])
        used.add(field)
    rest = {field: value for field, value in fields.items() if field not in used}
    return Record(
        text,
        digest("note", path),
        created_at=created or updated or changed,
        updated_at=updated or changed,
        categories=categories,
        metadata={**rest, "file": path},
        place=path,
    )


def _read_tags(value: Any) -> list[str]:
    """A list, or words with or without `#`."""
    tags = value if isinstance(value, list) else _HASHES.split(str(value or ""))
    return [tag for each in tags if (tag := str(each or "").lstrip("#").strip())]


def _read_own(fields: Mapping[str, Any], text: str, name: str) -> Record:
    """A memory that this server wrote. Raises BadArchive: its fields are kept, or refused."""
    if fields[MARK] != VERSION:
        raise BadArchive(f"The version {str(fields[MARK])[:20]} is unknown.", member=name)
    read = _FieldReader(fields, name)
    terms = Terms(
        expires_at=read.moment("expires_at"),
        valid_from=read.moment("valid_from"),
        valid_until=read.moment("valid_until"),
        immutable=read.value("immutable", bool, False),
    )
    created = read.moment("created_at")
    kept = Kept(
        read.id("id") or read.fail("id", "an id"),
        agent_id=read.value("agent_id", str, ""),
        terms=terms,
        state=read.state(),
        state_changed_at=read.moment("state_changed_at") or created,
        superseded_by=read.id("superseded_by"),
        address=read.address(),
    )
    return Record(
        text,
        str(kept.pk),
        app=read.value("app", str, ""),
        created_at=created,
        updated_at=read.moment("updated_at"),
        categories=[str(each) for each in read.value("categories", list, [])],
        metadata=read.value("metadata", dict, {}),
        actor=read.value("actor", str, ""),
        conversation=read.value("conversation", str, ""),
        place=name,
        kept=kept,
    )


class _FieldReader:
    """Reads the fields of one file. Each method raises BadArchive."""

    def __init__(self, fields: Mapping[str, Any], name: str) -> None:
        self._fields, self._name = fields, name

    def fail(self, field: str, wanted: str) -> Any:
        raise BadArchive(f"`{field}` is not {wanted}.", member=self._name)

    def value(self, field: str, kind: type, default: Any) -> Any:
        value = self._fields.get(field)
        if value is None:
            return default
        return value if isinstance(value, kind) else self.fail(field, f"a {kind.__name__}")

    def id(self, field: str) -> uuid.UUID | None:
        value = self.value(field, str, "")
        try:
            return uuid.UUID(value) if value else None
        except ValueError:
            self.fail(field, "an id")
            raise

    def moment(self, field: str) -> datetime | None:
        value = self._fields.get(field)
        if value is None or isinstance(value, datetime):  # YAML has times of its own
            return value if value is None or value.tzinfo else self.fail(field, "a time with zone")
        try:
            moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        except ValueError:
            moment = None
        is_time = moment is not None and moment.tzinfo is not None
        return moment if is_time else self.fail(field, "a time with zone")

    def address(self) -> Address | None:
        namespace, key = self.value("namespace", str, ""), self.value("own_key", str, "")
        if not namespace and not key:
            return None
        try:
            return Address.parse(namespace, key)
        except InvalidAddress as error:
            raise BadArchive(f"`own_key`: {error.detail}", member=self._name) from error

    def state(self) -> State:
        value = self.value("state", str, State.ACTIVE)
        known = [state for state in State if state != State.DELETED]
        return State(value) if value in known else self.fail("state", f"one of {', '.join(known)}")
