"""Each cell of the table in docs/authority.md, called over HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import transaction
from drf_spectacular.generators import SchemaGenerator

from tests.authority import table
from tests.authority.operations import ASKED, Asked, filled, is_personal
from tests.authority.world import Caller, World, build, callers, callers_about_end_user, end_user_of

TABLE, END_USERS = table.read(), table.read("End users")

# These read by connections of their own, which see only what is committed.
APART = {"POST /backup/export"}
COMMITTED = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@pytest.mark.parametrize(
    "operation",
    [pytest.param(name, marks=[COMMITTED] if name in APART else []) for name in TABLE],
)
def test_everybody_may_do_what_the_table_says_and_nothing_else(operation, alice, bob, olga):
    world = build(alice)
    world.write_log()
    asking = callers(alice, bob, olga)

    found = {who: outcome(operation, world, caller) for who, caller in asking.items()}

    assert found == TABLE[operation]


@pytest.mark.parametrize(
    "operation",
    [pytest.param(name, marks=[COMMITTED] if name in APART else []) for name in END_USERS],
)
def test_an_account_reaches_its_end_users_and_nobody_elses(operation, alice, bob):
    erin = end_user_of(alice, "erin@example.org")
    world = build(erin)
    world.write_log()
    asking = callers_about_end_user(erin, alice, bob)

    found = {who: outcome(operation, world, caller) for who, caller in asking.items()}

    assert found == END_USERS[operation]


def test_the_table_has_a_row_for_every_operation_and_for_no_other():
    paths = SchemaGenerator().get_schema(public=True)["paths"]
    operations = {
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, methods in paths.items()
        for method in methods
    }

    assert set(TABLE) == operations
    assert set(END_USERS) == {each for each in operations if is_personal(each)}


def outcome(operation: str, world: World, caller: Caller) -> str:
    """What becomes of a call, in the words of the table; it is undone afterwards."""
    method, path = operation.split()
    asked = ASKED.get(operation, Asked())
    names = world.ids | world.log
    with undone():
        before = world.owned()
        answer = caller.send(
            method,
            (asked.path or path).format(**names),
            filled(asked.query, names),
            filled(asked.body, names),
        )
        changed = world.owned() != before
    if answer.status_code >= 400:
        said = f"{answer.status_code} {answer.json()['code']}"
        return f"{said}, and yet something changed" if changed else said
    reached = changed or world.shown_in(answer)
    return f"{answer.status_code}{'' if reached or not is_personal(operation) else ' own'}"


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
