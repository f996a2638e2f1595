"""Named statements, read from files."""

import pytest

from core.sql_files import load_statements

FILE = """-- What these are for.

-- fragment: live
-- Not the deleted ones.
memory.state <> 'deleted'

-- name: count
-- Why this is as it is.
SELECT count(*) FROM memory
    -- And why this is.
WHERE $live AND memory.user_id = %(user)s -- of the user

-- name: delete
DELETE FROM memory WHERE NOT ($live) AND $old
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "statements.sql"
    path.write_text(FILE)
    return path


def test_statements_are_read_by_name_with_their_fragments_and_without_comments(file):
    assert load_statements(file, old="memory.id < 5") == {
        "count": (
            "SELECT count(*) FROM memory\n"
            "WHERE memory.state <> 'deleted' AND memory.user_id = %(user)s -- of the user"
        ),
        "delete": "DELETE FROM memory WHERE NOT (memory.state <> 'deleted') AND memory.id < 5",
    }


def test_fragments_of_one_file_are_filled_into_the_next(file, tmp_path):
    more = tmp_path / "more.sql"
    more.write_text("-- name: exists\nSELECT EXISTS (SELECT FROM memory WHERE $live)\n")

    statements = load_statements(file, more, old="true")

    assert (
        statements["exists"] == "SELECT EXISTS (SELECT FROM memory WHERE memory.state <> 'deleted')"
    )


def test_a_missing_fragment_is_named(file):
    with pytest.raises(KeyError, match="old"):
        load_statements(file)


def test_a_name_that_is_taken_is_named(file, tmp_path):
    again = tmp_path / "again.sql"
    again.write_text("-- name: count\nSELECT 1\n")

    with pytest.raises(ValueError, match="has the name count"):
        load_statements(file, again, old="true")
    with pytest.raises(ValueError, match="has the name live"):
        load_statements(file, old="true", live="true")
