"""How much is read of an archive, whatever its headers say."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from .errors import ArchiveTooLarge

# Of a ZIP: a directory of so many bytes has room for thousands of members.
MAX_DIRECTORY_BYTES = 1024 * 1024
MAX_MEMBERS = 100

# An entity or a line, in characters. The longest text and the largest metadata have less, even
# where each byte is written as an escape and each number in full.
MAX_ROW_CHARACTERS = 2 * 1024 * 1024

# A person has dozens of these. All users share the categories.
MAX_CATEGORIES = 10_000
MAX_APPS = 10_000

# There are ten members of `memories.json`. Their names are kept, to find one that is there twice.
MAX_KEYS = 100

# What is always unpacked, however well it was packed.
UNPACKED_WITHOUT_LIMIT = 16 * 1024 * 1024


@dataclass
class UnpackBudget:
    """How many bytes may still be unpacked of an archive, all members together."""

    left: int
    ratio_bound: bool

    @classmethod
    def for_archive(cls, size: int) -> UnpackBudget:
        """`size` is that of the file, in bytes."""
        most: int = settings.IMPORT_MAX_UNPACKED_BYTES
        by_ratio: int = max(UNPACKED_WITHOUT_LIMIT, size * settings.IMPORT_MAX_RATIO)
        return cls(min(most, by_ratio), ratio_bound=by_ratio < most)

    def spend(self, size: int, member: str, line: int | None = None) -> None:
        """Count what was unpacked. Raises ArchiveTooLarge."""
        self.left -= size
        if self.left >= 0:
            return
        if self.ratio_bound:
            why = f"It unpacks to more than {settings.IMPORT_MAX_RATIO} times its size."
        else:
            why = f"It unpacks to more than {settings.IMPORT_MAX_UNPACKED_BYTES} bytes."
        raise ArchiveTooLarge(why, member=member, line=line)


def check_count(name: str, count: int, *, member: str, line: int) -> None:
    """Refuse a list that is longer than anybody's. Raises ArchiveTooLarge."""
    most = {"categories": MAX_CATEGORIES, "apps": MAX_APPS}.get(name)
    if most is not None and count > most:
        raise ArchiveTooLarge(f"There are more than {most} {name}.", member=member, line=line)


def row_too_long(member: str, line: int) -> ArchiveTooLarge:
    detail = f"This is longer than {MAX_ROW_CHARACTERS} characters."
    return ArchiveTooLarge(detail, member=member, line=line)
