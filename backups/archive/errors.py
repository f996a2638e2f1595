from __future__ import annotations

from typing import ClassVar

from core.errors import Malformed, TooLarge


class BadArchive(Malformed):
    """This is no archive that can be read."""

    code: ClassVar[str] = "bad_archive"

    def __init__(self, detail: str, *, member: str = "", line: int | None = None) -> None:
        super().__init__(format_location(member, line) + detail, field="file")


class ArchiveTooLarge(TooLarge):
    """The archive holds more than is read here."""

    code: ClassVar[str] = "archive_too_large"

    def __init__(self, detail: str, *, member: str = "", line: int | None = None) -> None:
        super().__init__(format_location(member, line) + detail)


def format_location(member: str, line: int | None = None) -> str:
    """Where in an archive something is wrong, as the beginning of a sentence about it."""
    where = f"{member}, line {line}" if line is not None else member
    return f"{where}: " if where else ""
