import pytest
from django.db import connection


@pytest.mark.django_db
def test_the_database_of_the_tests_is_an_embedded_postgresql_with_its_extensions() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT extname FROM pg_extension ORDER BY extname")
        assert cursor.fetchall() == [("btree_gin",), ("plpgsql",), ("vector",)]
