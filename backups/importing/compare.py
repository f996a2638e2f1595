"""Compare the staged rows with the restored ones, in tables that were empty before."""

from __future__ import annotations

from pathlib import Path

from accounts.models import User
from apps_registry.acting_app import DEFAULT_APP
from backups.archive.errors import format_location
from backups.archive.format import ENTITIES, VECTORS
from core.errors import OpenMemoryError
from core.sql import fetch_one
from core.sql_files import load_statements

from .staging import ARRIVAL_ORDER

# The tables that the rows of each list are restored to.
TABLES = {
    "apps": "apps_registry_app",
    "categories": "memories_usercategory",
    "memories": "memories_memory",
    "memory_categories": "memories_categorization",
    "status_history": "memories_statechange",
    "access_controls": "apps_registry_accessrule",
    "revisions": "memories_revision",
    "vectors": "memories_embedding",
}

STATEMENTS = load_statements(Path(__file__).with_name("compare.sql"), arrival_order=ARRIVAL_ORDER)


class NotRestored(OpenMemoryError):
    """A row was not restored as it is in the archive."""

    code = "not_restored"


def compare_restored(user: User, *, exactly: bool) -> None:
    """Find the first staged row that was not restored as it is. Raises NotRestored.

    With `exactly`, there may be no other rows either. An archive of the original server lacks rows
    that every memory has here, and may contain duplicates.
    """
    for name in TABLES:
        _require_restored(name, name, user, exactly=exactly)
        if exactly:
            _compare_counts(name)
    _require_restored("memories", "out_of_order", user, exactly=exactly)


def _require_restored(name: str, statement: str, user: User, *, exactly: bool) -> None:
    parameters = {"user": user.pk, "default_app": DEFAULT_APP, "exactly": exactly}
    missing = fetch_one(STATEMENTS[statement], parameters)
    if missing is None:
        return
    number, line = missing
    if name == "vectors":
        row = f"{format_location(VECTORS)}record {number + 1}"
    else:
        row = f"{format_location(ENTITIES, line)}{name}[{number}]"
    raise NotRestored(f"{row} was not restored as it is in the archive.")


def _compare_counts(name: str) -> None:
    counts = f"(SELECT count(*) FROM staged_{name}), (SELECT count(*) FROM {TABLES[name]})"
    staged, restored = fetch_one(f"SELECT {counts}") or (0, 0)
    if staged != restored:
        raise NotRestored(f"Of {staged} {name}, {restored} were restored.")
