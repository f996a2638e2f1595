"""Limits on reading an archive, whatever its headers declare."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from memories.limits import MAX_CATEGORIES

from .errors import ArchiveTooLarge

# The directory of a ZIP: this has room for thousands of members.
MAX_DIRECTORY_BYTES = 1024 * 1024
MAX_MEMBERS = 100

# An entity or a line. The longest text and the largest metadata together are shorter, even with
# every byte escaped and every number written in full.
MAX_ROW_CHARACTERS = 2 * 1024 * 1024

# Of objects and lists in a row longer than a chunk. The longest text and the largest metadata
# cannot have more, even if they consist of them.
MAX_BRACKETS = 64 * 1024

# A user has dozens of these.
MAX_APPS = 10_000

# `memories.json` has ten. Their names are kept in memory to detect repeated ones.
MAX_KEYS = 100

# Editors leave a line at the end, or one between all others.
MAX_EMPTY_LINES = 100

# Up to this size the ratio of compression is not limited.
RATIO_LIMIT_FROM_BYTES = 2 * MAX_ROW_CHARACTERS

# Up to this number, rows are not limited by the size of an archive.
ROW_LIMIT_FROM = 1000


@dataclass
class UnpackBudget:
    """How much more may be read of an archive, all members together: in bytes, and in rows.

    Each row has its price, however short it is, so rows are limited by the bytes that the archive
    has before it is unpacked. A row has an id, which does not compress, so it has several of them.
    """

    remaining: int
    remaining_rows: int
    limited_by_ratio: bool

    @classmethod
    def for_archive(cls, size: int) -> UnpackBudget:
        """`size` is the size of the file in bytes."""
        max_bytes: int = settings.IMPORT_MAX_UNPACKED_BYTES
        by_ratio: int = max(RATIO_LIMIT_FROM_BYTES, size * settings.IMPORT_MAX_RATIO)
        return cls(
            min(max_bytes, by_ratio), ROW_LIMIT_FROM + size, limited_by_ratio=by_ratio < max_bytes
        )

    def spend_row(self, member: str, line: int) -> None:
        """Count a row, a line or any other item of a list. Raises ArchiveTooLarge."""
        self.remaining_rows -= 1
        if self.remaining_rows < 0:
            detail = "There are more rows than an archive of this size can have."
            raise ArchiveTooLarge(detail, member=member, line=line)

    def spend(self, size: int, member: str, line: int | None = None) -> None:
        """Count unpacked bytes. Raises ArchiveTooLarge."""
        self.remaining -= size
        if self.remaining >= 0:
            return
        if self.limited_by_ratio:
            detail = f"The archive unpacks to more than {settings.IMPORT_MAX_RATIO} times its size."
        else:
            detail = f"The archive unpacks to more than {settings.IMPORT_MAX_UNPACKED_BYTES} bytes."
        raise ArchiveTooLarge(detail, member=member, line=line)


def check_count(name: str, count: int, *, member: str, line: int) -> None:
    """Reject a list that is longer than any user's. Raises ArchiveTooLarge."""
    limit = {"categories": MAX_CATEGORIES, "apps": MAX_APPS}.get(name)
    if limit is not None and count > limit:
        raise ArchiveTooLarge(f"There are more than {limit} {name}.", member=member, line=line)


def too_many_values(member: str, line: int, limit: int = MAX_BRACKETS) -> ArchiveTooLarge:
    detail = f"The row has more than {limit} objects and lists."
    return ArchiveTooLarge(detail, member=member, line=line)


def row_too_long(member: str, line: int, limit: int = MAX_ROW_CHARACTERS) -> ArchiveTooLarge:
    detail = f"The row is longer than {limit} characters."
    return ArchiveTooLarge(detail, member=member, line=line)
