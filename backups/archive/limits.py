"""How much is read of an archive, whatever its headers say."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from .errors import ArchiveTooLarge

# Of a ZIP: a directory of so many bytes has room for thousands of members.
LONGEST_DIRECTORY = 1024 * 1024
MOST_MEMBERS = 100

# An entity or a line, in characters. The longest text and the largest metadata have less, even
# where each byte is written as an escape and each number in full.
LONGEST_ROW = 2 * 1024 * 1024

# A person has dozens of these. All users share the categories.
MOST_CATEGORIES = 10_000
MOST_APPS = 10_000

# There are ten members of `memories.json`. Their names are kept, to find one that is there twice.
MOST_KEYS = 100

# What is always unpacked, however well it was packed.
FREELY_UNPACKED = 16 * 1024 * 1024


@dataclass
class Budget:
    """How many bytes may still be unpacked of an archive, all members together."""

    left: int
    ratio_bound: bool

    @classmethod
    def for_archive(cls, size: int) -> Budget:
        """`size` is that of the file, in bytes."""
        most: int = settings.IMPORT_MAX_UNPACKED_BYTES
        by_ratio: int = max(FREELY_UNPACKED, size * settings.IMPORT_MAX_RATIO)
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


def count_bound(name: str, count: int, *, member: str, line: int) -> None:
    """Refuse a list that is longer than anybody's. Raises ArchiveTooLarge."""
    most = {"categories": MOST_CATEGORIES, "apps": MOST_APPS}.get(name)
    if most is not None and count > most:
        raise ArchiveTooLarge(f"There are more than {most} {name}.", member=member, line=line)


def row_too_long(member: str, line: int) -> ArchiveTooLarge:
    detail = f"This is longer than {LONGEST_ROW} characters."
    return ArchiveTooLarge(detail, member=member, line=line)
