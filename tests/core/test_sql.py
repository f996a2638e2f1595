"""Raw statements, and how their results are read."""

import uuid

import pytest
from django.db import transaction
from psycopg.sql import SQL, Identifier

from core import sql

NUMBERS = "SELECT number, number * number FROM generate_series(1, %s) AS number"


@pytest.fixture
def _table(db):
    sql.execute("CREATE TEMPORARY TABLE numbers (number integer) ON COMMIT DROP")
    sql.execute("INSERT INTO numbers SELECT * FROM generate_series(1, 3)")


@pytest.mark.django_db
def test_all_rows_are_fetched():
    assert sql.fetch_all(NUMBERS, [3]) == [(1, 1), (2, 4), (3, 9)]
    assert sql.fetch_all(NUMBERS, [0]) == []


@pytest.mark.django_db
def test_the_first_row_is_fetched_or_none():
    assert sql.fetch_one(NUMBERS, [3]) == (1, 1)
    assert sql.fetch_one(NUMBERS, [0]) is None


@pytest.mark.django_db
def test_a_column_is_a_list_of_its_values():
    assert sql.fetch_column("SELECT generate_series(1, %s)", [3]) == [1, 2, 3]
    assert sql.fetch_column("SELECT generate_series(1, %s)", [0]) == []
    with pytest.raises(ValueError, match="too many values"):
        sql.fetch_column(NUMBERS, [1])


@pytest.mark.django_db
def test_a_value_is_the_only_one_there_is():
    assert sql.fetch_value("SELECT 1 + 1") == 2
    with pytest.raises(ValueError, match="too many values"):
        sql.fetch_value("SELECT generate_series(1, 2)")
    with pytest.raises(ValueError, match="not enough values"):
        sql.fetch_value(NUMBERS, [0])


@pytest.mark.usefixtures("_table")
def test_executing_tells_how_many_rows_it_changed():
    assert sql.execute("UPDATE numbers SET number = number + 10 WHERE number > %s", [1]) == 2
    assert sql.execute("DELETE FROM numbers WHERE number = %s", [99]) == 0
    assert sql.execute("LOCK TABLE numbers") == 0
    assert sql.fetch_column("SELECT number FROM numbers ORDER BY number") == [1, 12, 13]


@pytest.mark.usefixtures("_table")
def test_parameters_can_be_named_and_statements_composed():
    statement = SQL("SELECT {column} FROM numbers WHERE {column} > %(minimum)s ORDER BY 1")

    found = sql.fetch_column(statement.format(column=Identifier("number")), {"minimum": 1})

    assert found == [2, 3]


@pytest.mark.usefixtures("_table")
def test_a_statement_belongs_to_the_transaction_it_is_run_in():
    with transaction.atomic():
        sql.execute("DELETE FROM numbers")
        transaction.set_rollback(True)

    assert sql.fetch_value("SELECT count(*) FROM numbers") == 3


@pytest.mark.django_db
@pytest.mark.parametrize("count", [0, 1, 3])
def test_an_array_of_uuids_is_read_by_postgresql_in_its_order(count):
    ids = [uuid.uuid4() for _ in range(count)]

    assert sql.fetch_value("SELECT %s::uuid[]", [sql.uuid_array(ids)]) == ids


@pytest.mark.django_db
def test_parameters_get_names_to_be_put_into_another_statement():
    statement, parameters = sql.name_parameters("SELECT %s, '100 %%', %s", [1, 2])

    assert sql.fetch_all(f"{statement}, %(three)s", {**parameters, "three": 3}) == [
        (1, "100 %", 2, 3)
    ]
