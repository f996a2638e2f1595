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

# A user has dozens of these.
MAX_APPS = 10_000

# `memories.json` has ten. Their names are kept in memory to detect repeated ones.
MAX_KEYS = 100

# Up to this size the ratio of compression is not limited.
RATIO_LIMIT_FROM_BYTES = 16 * 1024 * 1024


@dataclass
class UnpackBudget:
    """How many more bytes may be unpacked of an archive, all members together."""

    remaining: int
    limited_by_ratio: bool

    @classmethod
    def for_archive(cls, size: int) -> UnpackBudget:
        """`size` is the size of the file in bytes."""
        max_bytes: int = settings.IMPORT_MAX_UNPACKED_BYTES
        by_ratio: int = max(RATIO_LIMIT_FROM_BYTES, size * settings.IMPORT_MAX_RATIO)
        return cls(min(max_bytes, by_ratio), limited_by_ratio=by_ratio < max_bytes)

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


def row_too_long(member: str, line: int) -> ArchiveTooLarge:
    detail = f"The row is longer than {MAX_ROW_CHARACTERS} characters."
    return ArchiveTooLarge(detail, member=member, line=line)
