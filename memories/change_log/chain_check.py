"""Prove that nobody has changed the log of a user, or a memory past it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path

from core import sql

VERIFY = Path(__file__).with_suffix(".sql").read_text()

LOGGED_USERS = """
SELECT user_id FROM memories_logline UNION SELECT user_id FROM memories_logchain
UNION SELECT user_id FROM memories_memory ORDER BY user_id
"""

DESCRIPTIONS = {
    "missing": "lines before it are missing, or it stands twice",
    "changed": "the line was changed",
    "chain": "it does not follow the line before it",
    "time": "it is older than the line before it",
    "until": "the time until which it holds is not that of the memory's next line",
    "said": "it gives another time for when the memory was said than its content",
    "end": "lines after it are missing, or the end of the log was changed",
    "content": "the content of the line was changed or removed",
    "memory": "the memory was changed, or is gone, without a line",
    "unlogged": "the memory has no line",
}


@dataclass(frozen=True)
class Fault:
    """What is wrong at a line, or with a memory that has none."""

    sequence: int | None
    memory_id: uuid.UUID | None
    code: str

    def __str__(self) -> str:
        line = f"line {self.sequence}" if self.sequence is not None else ""
        memory = f"memory {self.memory_id}" if self.memory_id else ""
        place = ", ".join(filter(None, (line, memory)))
        return f"{place}: {DESCRIPTIONS[self.code]}"


def find_logged_users() -> list[uuid.UUID]:
    """The ids of all users with a log, even of those who were erased."""
    return sql.fetch_column(LOGGED_USERS)


def find_faults(user_id: uuid.UUID, *, limit: int = 100) -> list[Fault]:
    """Find what is wrong with the log of a user, at most so many faults, the first ones first.

    One statement, which sees the lines and the memories of one moment.
    """
    rows = sql.fetch_all(VERIFY, {"user": user_id, "limit": limit})
    return [Fault(*row) for row in rows]
