"""The validation of a single row."""

import uuid
from datetime import UTC, datetime

import msgspec
import pytest

from backups.archive.columns import columns_of
from backups.archive.rows import AccessControlRow, AppRow


def app_made_at(time):
    row = {"id": str(uuid.uuid4()), "name": "openmemory", "created_at": time}
    return msgspec.convert(row, AppRow)


def test_columns_are_fields_by_their_own_names_and_what_is_computed():
    assert [(column.name, column.sql_type) for column in columns_of(AccessControlRow)] == [
        ("id", "uuid"),
        ("app_id", "uuid"),
        ("memory_id", "uuid"),
        ("effect", "text"),
        ("created_at", "timestamptz"),
        ("understood", "bool"),
    ]


def test_values_are_in_the_order_of_the_columns():
    row, app, memory = (str(uuid.uuid4()) for _ in range(3))
    fields = {
        "id": row, "subject_type": "app", "subject_id": app, "object_type": "memory",
        "object_id": memory, "effect": "deny", "created_at": "2026-01-31T00:00:00+00:00",
    }  # fmt: skip

    values = msgspec.convert(fields, AccessControlRow).values()

    time = datetime(2026, 1, 31, tzinfo=UTC)
    assert values == (uuid.UUID(row), uuid.UUID(app), uuid.UUID(memory), "deny", time, True)


@pytest.mark.parametrize("time", ["1969-12-31T23:59:00-00:01", "9998-12-31T23:59:59+00:00"])
def test_a_time_is_accepted_as_it_is_in_utc(time):
    assert app_made_at(time)


@pytest.mark.parametrize("time", ["2026-01-31T23:59:00+23:59", "2026-01-30T00:01:00-23:59"])
def test_a_time_is_kept_in_utc_however_far_away_it_was_written(time):
    assert app_made_at(time).created_at.isoformat() == "2026-01-31T00:00:00+00:00"


@pytest.mark.parametrize(
    "time",
    [
        "1970-01-01T00:00:00+00:01",
        "9998-12-31T23:59:59-00:01",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
    ],
)
def test_a_time_is_refused_as_it_is_in_utc(time):
    with pytest.raises(msgspec.ValidationError, match="`created_at` is not between 1970 and 9998"):
        app_made_at(time)
