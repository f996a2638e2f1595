"""What an importer is: it recognizes files of another product, and reads memories from them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Protocol

from memories.models import State, Terms
from memories.own_keys import Address

from .source_file import SourceFile


class Part(StrEnum):
    """What a text was in the other product."""

    MEMORY = "memory"
    MESSAGE = "message"  # that the person wrote
    ANSWER = "answer"  # of the assistant


@dataclass(frozen=True)
class Kept:
    """What only this server knows of a memory, from a file that it wrote itself."""

    pk: uuid.UUID
    agent_id: str = ""
    terms: Terms = field(default_factory=Terms)
    state: State = State.ACTIVE
    state_changed_at: datetime | None = None
    superseded_by: uuid.UUID | None = None
    address: Address | None = None


@dataclass(frozen=True)
class Record:
    """A text of another product.

    `key` identifies it in all files of the product, now and later. Without an `app` it is stored by
    an app with the name of the source. `place` says where in the file it is. A text with `kept` is
    stored to the letter; any other is trimmed, and divided if it is long.
    """

    text: str
    key: str
    app: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    categories: Sequence[str] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    actor: str = ""
    conversation: str = ""
    part: Part = Part.MEMORY
    place: str = ""
    kept: Kept | None = None


class Source(Protocol):
    """An importer. `name` is what commands call it, `title` the product, `files` what it reads."""

    name: ClassVar[str]
    title: ClassVar[str]
    files: ClassVar[str]

    def detects(self, file: SourceFile) -> bool:
        """Whether a file is from this product, by what is in it."""

    def read(self, file: SourceFile) -> Iterator[Record]:
        """Read all of a file. Raises WrongSource, BadArchive and ArchiveTooLarge."""
