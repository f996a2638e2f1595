"""Write what a source has read as memories of this server, within its limits."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from accounts.models import User
from core.api.exception_handler import BadBody
from core.api.parsers import parse_json
from core.errors import Malformed, OpenMemoryError, TooLarge
from core.visible_text import is_visible
from memories.lifecycle.import_batch import ForeignMemory
from memories.lifecycle.remember import NewMemory
from memories.limits import MAX_CATEGORIES, MAX_METADATA_BYTES, MAX_NAME, MAX_TEXT_BYTES
from memories.models import Terms, UserCategory
from memories.taxonomy import InvalidCategoryName, normalize_category_name

from .source import Kept, Part, Record
from .text_pieces import divide

# Of one file. Their keys are kept in memory, to find those that are repeated.
MAX_MEMORIES = 1_000_000
MAX_APPS = 1_000


class InvalidRecord(Malformed):
    """What is in the file cannot be stored as a memory."""

    code: ClassVar[str] = "invalid_record"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, field="file")


class TooManyRecords(TooLarge):
    """The file has more than can be imported at once: divide it."""

    code: ClassVar[str] = "too_many_records"


@dataclass(frozen=True)
class Draft:
    """A memory to store by an app of this name."""

    memory: ForeignMemory
    app: str
    part: Part
    kept: Kept | None


class DraftWriter:
    """Writes each record once, and counts what it leaves out."""

    def __init__(self, source: str, user: User) -> None:
        self.repeated = self.empty = self.left_out = 0
        self._source, self._user = source, user
        self._keys: set[bytes] = set()
        self._apps: set[str] = set()
        own = UserCategory.objects.filter(user=user).values_list("category__name", flat=True)
        self._categories = set(own)

    def write(self, record: Record) -> Iterator[Draft]:
        """The memory of a record, several of a long one. Raises InvalidRecord, TooManyRecords."""
        if not is_visible(record.text):
            self.empty += 1
            return
        pieces = [record.text] if record.kept else divide(record.text)
        for number, piece in enumerate(pieces, 1):
            pk = self._id_of(record, number)
            if not self._is_first(pk):
                self.repeated += 1
                continue
            part_of = {"piece": f"{number} of {len(pieces)}"} if len(pieces) > 1 else {}
            with _placed(record):
                draft = self._draft(record, piece, pk, part_of)
            yield draft

    def _id_of(self, record: Record, number: int) -> uuid.UUID:
        if record.kept:
            return record.kept.pk
        name = f"{self._source}\n{record.key}" + (f"\n{number}" if number > 1 else "")
        return uuid.uuid5(self._user.pk, name)

    def _is_first(self, pk: uuid.UUID) -> bool:
        if pk.bytes in self._keys:
            return False
        self._keys.add(pk.bytes)
        if len(self._keys) > MAX_MEMORIES:
            raise TooManyRecords
        return True

    def _draft(self, record: Record, text: str, pk: uuid.UUID, part_of: Mapping[str, str]) -> Draft:
        if len(text.encode()) > MAX_TEXT_BYTES:
            raise InvalidRecord(f"A text has at most {MAX_TEXT_BYTES:,} bytes.")
        categories, others = self._categories_of(record)
        metadata = {**record.metadata, **part_of, **({"tags": others} if others else {})}
        kept = record.kept
        new = NewMemory(
            text,
            infer=False,
            metadata=_check_metadata(metadata),
            actor=_check_name("actor", record.actor),
            conversation=_check_name("conversation", record.conversation),
            agent_id=_check_name("agent_id", kept.agent_id) if kept else "",
            learned_at=record.created_at,
            updated_at=record.updated_at or record.created_at,
            pk=pk,
            state_changed_at=kept.state_changed_at if kept else None,
            as_given=True,
            terms=kept.terms if kept else Terms(),
        )
        new.terms.require_order()
        app = self._app_of(record)
        return Draft(ForeignMemory(new, categories), app, record.part, kept)

    def _app_of(self, record: Record) -> str:
        name = record.app or self._source
        if name not in self._apps:
            _check_name("app", name)
            if not is_visible(name):
                raise InvalidRecord("The name of an app has at least one visible character.")
            self._apps.add(name)
            if len(self._apps) > MAX_APPS:
                raise TooManyRecords(f"The file names more than {MAX_APPS:,} apps.")
        return name

    def _categories_of(self, record: Record) -> tuple[list[str], list[str]]:
        """Its categories, and what can be none: such tags remain in the metadata."""
        categories, others = [], []
        for name in dict.fromkeys(record.categories):
            try:
                normal = normalize_category_name(name)
            except InvalidCategoryName:
                others.append(name)
                continue
            if normal in self._categories or len(self._categories) < MAX_CATEGORIES:
                self._categories.add(normal)
                categories.append(normal)
            else:
                others.append(name)
        return [*dict.fromkeys(categories)], others


@contextmanager
def _placed(record: Record) -> Iterator[None]:
    """Have errors say where in the file the record is. Raises InvalidRecord."""
    try:
        yield
    except TooLarge:
        raise
    except OpenMemoryError as error:
        raise InvalidRecord(f"{record.place}: {error.detail}") from error


def _check_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata as it will be read again. Raises InvalidRecord."""
    try:
        body = json.dumps(metadata, default=str).encode()
        value: dict[str, Any] = parse_json(body, what="The metadata")
    except BadBody as error:
        raise InvalidRecord(error.fault.detail) from error
    except (ValueError, RecursionError) as error:
        raise InvalidRecord("The metadata is no JSON, or nested too deeply.") from error
    if len(json.dumps(value, ensure_ascii=False).encode()) > MAX_METADATA_BYTES:
        raise InvalidRecord(f"The metadata has more than {MAX_METADATA_BYTES:,} bytes.")
    return value


def _check_name(what: str, name: str) -> str:
    if len(name) > MAX_NAME or "\0" in name:
        raise InvalidRecord(f"`{what}` has more than {MAX_NAME} characters, or a NUL.")
    return name
