"""The statements of an export, and the filters that they are limited by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db.models.expressions import RawSQL

from core.sql_files import load_statements
from memories.metadata_filter import MetadataFilter
from memories.models import Memory


def _time(name: str, value: str | None = None) -> str:
    text = f"to_char({value or name} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US')"
    return f"{text} || '+00:00' AS {name}"


TIMES = {
    **{
        name: _time(name)
        for name in (
            "at",
            "created_at",
            "updated_at",
            "state_changed_at",
            "changed_at",
            "edited_at",
            "given_at",
            "said_at",
            "expires_at",
            "valid_from",
            "valid_until",
        )
    },
    "archived_at": _time("archived_at", "CASE state WHEN 'archived' THEN state_changed_at END"),
    "deleted_at": _time("deleted_at", "CASE state WHEN 'deleted' THEN state_changed_at END"),
}


@dataclass(frozen=True)
class ExportFilters:
    """Which memories of a user are exported.

    Those of one app, created from `first` to second `last`, whose metadata matches.
    """

    app: UUID | None = None
    first: datetime | None = None
    last: datetime | None = None
    vectors: bool = True
    metadata: MetadataFilter | None = None

    @property
    def narrow(self) -> bool:
        """Whether anything of the user's is left out."""
        return any(each is not None for each in (self.app, self.first, self.last, self.metadata))

    def statements(self) -> dict[str, str]:
        """The statements of `export.sql`, limited by these filters."""
        return load_statements(
            Path(__file__).with_name("export.sql"),
            **TIMES,
            memory_filter=self._condition("memory"),
            newer_filter=self._condition("newer"),
            is_whole="false" if self.narrow else "true",
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
        if self.metadata is not None:
            conditions.append(f"{table}.id IN ({self._metadata_query()[0]})")
        return " AND ".join(conditions)

    def parameters(self, user: UUID) -> dict[str, Any]:
        values = {"user": user, "app": self.app, "first": self.first, "last": self.last}
        return values if self.metadata is None else {**values, **self._metadata_query()[1]}

    def _metadata_query(self) -> tuple[str, dict[str, Any]]:
        """Return a query of the ids that the filter on metadata keeps, and its parameters."""
        assert self.metadata is not None  # noqa: S101 - else there is no such query
        # The name of the parameter, after the numbers of the others are filled in.
        user = RawSQL("%%(user)s", [])
        memories = Memory.objects.filter(self.metadata.condition(), user=user).values("pk")
        statement, values = memories.query.sql_with_params()
        parameters = {f"metadata_{number}": value for number, value in enumerate(values)}
        return statement % tuple(f"%({name})s" for name in parameters), parameters

    def as_written(self) -> dict[str, Any]:
        """As the manifest names them; times in seconds since 1970."""
        metadata = {} if self.metadata is None else {"metadata": self.metadata.source}
        return {
            "app_id": self.app,
            "from_date": None if self.first is None else int(self.first.timestamp()),
            "to_date": None if self.last is None else int(self.last.timestamp()),
            **metadata,
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
        # Jobs of earlier versions have none.
        metadata = value.get("metadata")
        parsed = None if metadata is None else MetadataFilter.parse(metadata)
        return cls(app, first, last, value["vectors"], parsed)
