from __future__ import annotations

from typing import ClassVar

from core.errors import Malformed, TooLarge


class BadArchive(Malformed):
    """The file is no archive that can be read."""

    code: ClassVar[str] = "bad_archive"

    def __init__(self, detail: str, *, member: str = "", line: int | None = None) -> None:
        super().__init__(format_location(member, line) + detail, field="file")


class ArchiveTooLarge(TooLarge):
    """The archive is larger than the server's limits."""

    code: ClassVar[str] = "archive_too_large"

    def __init__(self, detail: str, *, member: str = "", line: int | None = None) -> None:
        super().__init__(format_location(member, line) + detail)


def format_location(member: str, line: int | None = None) -> str:
    """The place of an error in an archive, as the beginning of its message."""
    location = f"{member}, line {line}" if line is not None else member
    return f"{location}: " if location else ""
