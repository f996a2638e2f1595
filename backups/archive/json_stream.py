"""Read JSON of any length, with one entity at a time in memory."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from core.api.exception_handler import BadBody
from core.api.parsers import UNIQUE_DECODER, reject_unstorable

from .errors import ArchiveTooLarge, BadArchive
from .limits import (
    MAX_BRACKETS,
    MAX_KEYS,
    MAX_ROW_CHARACTERS,
    row_too_long,
    too_many_values,
)
from .zip_reader import MemberReader

CHUNK_BYTES = 64 * 1024

_SPACES = " \t\n\r"
_SPACE = re.compile(f"[{_SPACES}]*")


@dataclass(frozen=True, slots=True)
class Item:
    """A member of a JSON object; of one that is a list, an item, whose `index` counts from 0."""

    key: str
    index: int | None
    line: int
    value: Any

    @property
    def name(self) -> str:
        return self.key if self.index is None else f"{self.key}[{self.index}]"


class JsonObjectStream:
    """The members of one large JSON object, and of those that are lists, the single items.

    An item has at most `max_characters`, and `max_brackets` objects and lists.
    """

    max_characters: ClassVar = MAX_ROW_CHARACTERS
    max_brackets: ClassVar = MAX_BRACKETS

    def __init__(self, member: MemberReader) -> None:
        self._stream = member
        self._member = member.name
        self._decode = codecs.getincrementaldecoder("utf-8-sig")()
        self._text = ""
        self._at = 0
        self._ended = False
        self._line = 1

    def items(self) -> Iterator[Item]:
        """Read the whole object. Raises BadArchive and ArchiveTooLarge, which name the line."""
        self._expect("{")
        keys: set[str] = set()
        while not self._next_is("}"):
            if keys:
                self._expect(",")
            key = self._value()
            if not isinstance(key, str):
                raise self._error("The name of a member must be a string.")
            if key in keys:
                raise self._error(f"The name {key[:100]!r} appears twice.")
            keys.add(key)
            if len(keys) > MAX_KEYS:
                detail = f"The object has more than {MAX_KEYS} members."
                raise ArchiveTooLarge(detail, member=self._member, line=self._line)
            self._expect(":")
            yield from self._list(key) if self._next_is("[") else self._single(key)
        self._expect("}")
        if self._peek():
            raise self._error("There is data after the end of the JSON.")

    def values(self) -> Iterator[Item]:
        """Read the items of the lists, and the other values, that follow each other here.

        Raises as `items` does.
        """
        while next_one := self._peek():
            yield from self._list("") if next_one == "[" else self._single("")

    def _single(self, key: str) -> Iterator[Item]:
        self._peek()
        line = self._line
        yield Item(key, None, line, self._value())

    def _list(self, key: str) -> Iterator[Item]:
        self._expect("[")
        index = 0
        while not self._next_is("]"):
            if index:
                self._expect(",")
                self._peek()
            line = self._line
            self._stream.budget.spend_row(self._member, line)
            yield Item(key, index, line, self._value())
            index += 1
        self._expect("]")

    def _value(self) -> Any:
        """Decode the value that begins here, reading more until it is whole."""
        self._peek()
        while True:
            try:
                value, end = UNIQUE_DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if self._ended:
                    raise self._not_json(error) from None
            except BadBody as error:
                raise self._error(error.fault.detail) from None
            except RecursionError:
                raise self._error("The JSON is nested too deeply.") from None
            else:
                # The digits of a number may continue in what has not been read yet.
                if end < len(self._text) or self._ended:
                    return self._accept(value, end)
            if len(self._text) - self._at > self.max_characters:
                raise row_too_long(self._member, self._line, self.max_characters)
            brackets = self._text.count("[", self._at) + self._text.count("{", self._at)
            if brackets > self.max_brackets:
                raise too_many_values(self._member, self._line, self.max_brackets)
            self._read_more()

    def _accept(self, value: Any, end: int) -> Any:
        if end - self._at > self.max_characters:
            raise row_too_long(self._member, self._line, self.max_characters)
        try:
            reject_unstorable(value, self._text[self._at : end])
        except BadBody as error:
            raise self._error(error.fault.detail) from None
        self._advance(end)
        return value

    def _expect(self, character: str) -> None:
        actual = self._peek()
        if actual != character:
            instead = f"not {actual!r}" if actual else "not the end"
            raise self._error(f"This is not JSON: `{character}` is expected here, {instead}.")
        self._advance(self._at + 1)

    def _next_is(self, character: str) -> bool:
        return self._peek() == character

    def _peek(self) -> str:
        """The next character that is no space, "" at the end."""
        while True:
            if self._at < len(self._text):
                if self._text[self._at] not in _SPACES:
                    return self._text[self._at]
                match = _SPACE.match(self._text, self._at)
                self._advance(match.end() if match else self._at)
            elif self._ended:
                return ""
            else:
                self._read_more()

    def _advance(self, to: int) -> None:
        self._line += self._text.count("\n", self._at, to)
        self._at = to

    def _read_more(self) -> None:
        # As much again as is buffered: a long value is decoded from its beginning only a few times.
        chunk = self._stream.read(max(CHUNK_BYTES, len(self._text) - self._at))
        self._ended = not chunk
        rest = self._text[self._at :]
        try:
            self._text = rest + self._decode.decode(chunk, final=self._ended)
        except UnicodeDecodeError as error:
            before = rest.count("\n") + bytes(error.object[: error.start]).count(b"\n")
            raise BadArchive(
                "This is not UTF-8.", member=self._member, line=self._line + before
            ) from None
        self._at = 0

    def _not_json(self, error: json.JSONDecodeError) -> BadArchive:
        line = self._line + self._text.count("\n", self._at, error.pos)
        return BadArchive(f"This is not JSON: {error.msg}.", member=self._member, line=line)

    def _error(self, detail: str) -> BadArchive:
        return BadArchive(detail, member=self._member, line=self._line)
