"""Advisory locks, between two connections to the database."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections, transaction

from core import sql
from core.locks import Lock, LockTaken, advisory_lock, lock_transaction

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

# Seconds that a lock which is not free is waited for, to show that it is waited for.
WAIT = 0.3

Elsewhere = Callable[..., Future[Any]]


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    """Run functions in a thread of their own, and so on another connection."""
    with ThreadPoolExecutor(1) as thread:
        yield thread.submit
        thread.submit(connections.close_all).result()


def take(lock: Lock) -> bool:
    try:
        with advisory_lock(lock):
            return True
    except LockTaken:
        return False


def take_in_transaction(lock: Lock, key: int | None = None) -> bool:
    with transaction.atomic():
        lock_transaction(lock, key)
    return True


def test_a_lock_is_held_by_one_connection_at_a_time(elsewhere: Elsewhere):
    with advisory_lock(Lock.HOUSEKEEPING):
        assert elsewhere(take, Lock.HOUSEKEEPING).result() is False
        assert elsewhere(take, Lock.SCRATCH_SCHEMA).result() is True

    assert elsewhere(take, Lock.HOUSEKEEPING).result() is True


def test_a_lock_outlives_the_transactions_in_it(elsewhere: Elsewhere):
    with advisory_lock(Lock.HOUSEKEEPING):
        with transaction.atomic():
            sql.execute("SELECT 1")

        assert elsewhere(take, Lock.HOUSEKEEPING).result() is False


def test_a_lock_is_released_by_an_error(elsewhere: Elsewhere):
    with pytest.raises(ZeroDivisionError), advisory_lock(Lock.HOUSEKEEPING):
        1 / 0  # noqa: B018

    assert elsewhere(take, Lock.HOUSEKEEPING).result() is True


def test_a_lock_of_a_transaction_is_waited_for_until_that_ends(elsewhere: Elsewhere):
    with transaction.atomic():
        lock_transaction(Lock.CATEGORIES)
        waiting = elsewhere(take_in_transaction, Lock.CATEGORIES)

        with pytest.raises(TimeoutError):
            waiting.result(timeout=WAIT)

    assert waiting.result() is True


def test_a_lock_of_a_transaction_is_released_by_a_rollback(elsewhere: Elsewhere):
    with transaction.atomic():
        lock_transaction(Lock.CATEGORIES)
        transaction.set_rollback(True)

    assert elsewhere(take_in_transaction, Lock.CATEGORIES).result() is True


def test_a_key_locks_one_thing_and_no_other(elsewhere: Elsewhere):
    with transaction.atomic():
        lock_transaction(Lock.IMPORT, 1)

        assert elsewhere(take_in_transaction, Lock.IMPORT, 2).result() is True
        assert elsewhere(take_in_transaction, Lock.INFERENCE, 1).result() is True
        waiting = elsewhere(take_in_transaction, Lock.IMPORT, 1)
        with pytest.raises(TimeoutError):
            waiting.result(timeout=WAIT)

    assert waiting.result() is True


@pytest.mark.parametrize("key", [0, -1, 2**31, 2**63, 2**128 - 1])
def test_a_key_can_be_any_integer(key: int):
    assert take_in_transaction(Lock.SAME_TEXT, key)
