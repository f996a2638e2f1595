"""Queries that Django compiles once, and PostgreSQL plans once per connection."""

import uuid

import psycopg
import pytest
from django.db import NotSupportedError, connection, transaction

from accounts.models import User
from core import clock
from core.compiled_query import CompiledQuery, NotCompilable
from core.sql import fetch_value

NAME = "an example"

USERS = CompiledQuery(
    lambda name: User.objects.select_related("owner").defer("email").filter(user_id=name),
    name=NAME,
)
PREPARED = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s"


@pytest.fixture
def shop(db):
    return User.objects.create_user("shop", metadata={"open": True})


@pytest.fixture
def end_user(shop):
    return User.objects.create_user("shop-7", owner=shop, external_id="ann", email="a@b.example")


def test_it_makes_the_objects_that_the_queryset_makes(shop, end_user, django_assert_num_queries):
    for user in (shop, end_user):
        with django_assert_num_queries(1):
            [made] = USERS.fetch(name=user.user_id)
            owner = made.owner
        assert made == user
        assert owner == user.owner
        assert made.metadata == user.metadata
        assert made.created_at == user.created_at
        assert made._state.db == "default"
        assert not made._state.adding
        assert made.get_deferred_fields() == {"email"}


def test_what_it_left_out_is_read_once_it_is_asked_for(end_user, django_assert_num_queries):
    [made] = USERS.fetch(name=end_user.user_id)

    with django_assert_num_queries(1):
        assert made.email == "a@b.example"


def test_what_it_made_is_saved_like_any_other_object(end_user):
    [made] = USERS.fetch(name=end_user.user_id)
    made.name = "Ann"
    made.save(update_fields=["name"])

    assert User.objects.get(pk=end_user.pk).name == "Ann"


def test_postgresql_plans_it_once_and_what_is_read_of_the_past_each_time(end_user):
    pattern = f"%{uuid.uuid4().hex}%"
    users = CompiledQuery(
        lambda name: User.objects.filter(user_id=name).extra(where=[f"'{pattern[1:-1]}' <> ''"]),
        name=NAME,
    )

    with clock.set_to(end_user.created_at):
        assert users.fetch(name="shop-7") == [end_user]
    assert fetch_value(PREPARED, [pattern]) == 0
    for _ in range(3):
        assert users.fetch(name="shop-7") == [end_user]
    assert fetch_value(PREPARED, [pattern]) == 1


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_it_outlives_migrations():
    add = "ALTER TABLE accounts_user ADD COLUMN added integer"
    drop = "ALTER TABLE accounts_user DROP COLUMN added"
    change = "ALTER TABLE accounts_user ALTER COLUMN name TYPE varchar({})"
    User.objects.create_user("shop", name="Shop")
    assert USERS.fetch(name="shop")[0].name == "Shop"

    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as another:
        for forth, back in ((add, drop), (change.format(256), change.format(255))):
            another.execute(forth)
            try:
                assert USERS.fetch(name="shop")[0].name == "Shop"
            finally:
                another.execute(back)
    with pytest.raises(NotSupportedError), transaction.atomic():
        USERS.fetch(name="shop")
    assert USERS.fetch(name="shop")[0].name == "Shop"


def test_a_statement_that_depends_on_more_than_its_values_is_not_compiled(db):
    query = CompiledQuery(lambda name: User.objects.all(), name=NAME)

    with pytest.raises(NotCompilable):
        query.fetch(name="shop")
