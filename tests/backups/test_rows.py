"""The validation of a single row."""

import uuid

import msgspec
import pytest

from backups.archive.rows import AppRow


def app_made_at(time):
    row = {"id": str(uuid.uuid4()), "name": "openmemory", "created_at": time}
    return msgspec.convert(row, AppRow)


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
