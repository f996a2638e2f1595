"""The statements of an export, and the filters that they are limited by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from core.sql_files import load_statements


def _time(name: str, value: str | None = None) -> str:
    text = f"to_char({value or name} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US')"
    return f"{text} || '+00:00' AS {name}"


TIMES = {
    **{
        name: _time(name)
        for name in (
            "created_at",
            "updated_at",
            "state_changed_at",
            "changed_at",
            "edited_at",
            "said_at",
        )
    },
    "archived_at": _time("archived_at", "CASE state WHEN 'archived' THEN state_changed_at END"),
    "deleted_at": _time("deleted_at", "CASE state WHEN 'deleted' THEN state_changed_at END"),
}


@dataclass(frozen=True)
class ExportFilters:
    """Which memories of a user are exported: of one app, created from `first` to second `last`."""

    app: UUID | None = None
    first: datetime | None = None
    last: datetime | None = None
    vectors: bool = True

    def statements(self) -> dict[str, str]:
        """The statements of `export.sql`, limited by these filters."""
        return load_statements(
            Path(__file__).with_name("export.sql"),
            **TIMES,
            memory_filter=self._condition("memory"),
            newer_filter=self._condition("newer"),
            app_filter="true" if self.app is None else "app.id = %(app)s",
        )

    def _condition(self, table: str) -> str:
        conditions = [f"{table}.user_id = %(user)s"]
        if self.app is not None:
            conditions.append(f"{table}.app_id = %(app)s")
        if self.first is not None:
            conditions.append(f"{table}.created_at >= %(first)s")
        if self.last is not None:
            conditions.append(f"{table}.created_at < %(last)s + interval '1 second'")
        return " AND ".join(conditions)

    def parameters(self, user: UUID) -> dict[str, Any]:
        return {"user": user, "app": self.app, "first": self.first, "last": self.last}

    def as_written(self) -> dict[str, UUID | int | None]:
        """As the manifest names them; times in seconds since 1970."""
        return {
            "app_id": self.app,
            "from_date": None if self.first is None else int(self.first.timestamp()),
            "to_date": None if self.last is None else int(self.last.timestamp()),
        }

    def to_json(self) -> dict[str, Any]:
        """For the parameters of a job."""
        return {
            **self.as_written(),
            "app_id": self.app and str(self.app),
            "vectors": self.vectors,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ExportFilters:
        first, last = (
            None if value[name] is None else datetime.fromtimestamp(value[name], UTC)
            for name in ("from_date", "to_date")
        )
        app = value["app_id"] and UUID(value["app_id"])
        return cls(app, first, last, value["vectors"])
