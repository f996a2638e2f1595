"""Webhooks are told of what expires when it is due, and once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from mem0.models import Delivery, Webhook
from mem0.webhook_outbox import tell_of_expired
from memories.models import Memory, State

from .test_webhooks import ALL, projects, receiver, send, subscribe, told  # noqa: F401

HOUR = timedelta(hours=1)


@pytest.fixture
def memory(shop, receiver):  # noqa: F811
    """A memory that was told of, and expires in an hour."""
    subscribe(shop, receiver.url, ["memory_add", "memory_update", "memory_delete"])
    [pk] = shop.add("I like tea", user_id="ann")
    expire_at(pk, timezone.now() + HOUR)
    send()
    receiver.received.clear()
    return pk


def expire_at(pk, moment):
    Memory.objects.filter(pk=pk).update(expires_at=moment)


def lapse(pk, receiver):  # noqa: F811
    """To webhooks it is there until the sweep, which has not run yet, tells of it."""
    expire_at(pk, timezone.now() - HOUR)
    send()
    receiver.received.clear()


def sweep():
    tell_of_expired()
    send()


def test_it_is_told_when_it_is_due_and_once(memory, receiver):  # noqa: F811
    sweep()
    assert told(receiver) == []

    lapse(memory, receiver)
    sweep()
    assert told(receiver) == [("DELETE", "")]

    sweep()
    Memory.objects.filter(pk=memory).update(metadata={"colour": "red"})
    send()
    Memory.objects.filter(pk=memory).change_state(State.DELETED, by=None)
    send()
    assert told(receiver) == []


def test_what_was_told_is_not_told_again_when_it_is_purged(memory, receiver):  # noqa: F811
    lapse(memory, receiver)
    sweep()
    receiver.received.clear()

    Memory.objects.all().delete()
    send()

    assert told(receiver) == []


def test_what_is_purged_before_it_was_told_is_told_then(memory, receiver):  # noqa: F811
    lapse(memory, receiver)
    Memory.objects.all().delete()
    send()
    sweep()

    assert told(receiver) == [("DELETE", "")]


def test_what_is_brought_back_is_added(memory, receiver):  # noqa: F811
    lapse(memory, receiver)
    sweep()
    receiver.received.clear()

    expire_at(memory, None)
    send()
    assert told(receiver) == [("ADD", "I like tea")]
    sweep()
    assert told(receiver) == []


def test_an_expiry_that_is_put_off_before_it_was_told_is_an_update(memory, receiver):  # noqa: F811
    lapse(memory, receiver)
    expire_at(memory, timezone.now() + HOUR)
    send()
    sweep()

    assert told(receiver) == [("UPDATE", "I like tea")]


def test_what_expires_by_an_edit_is_told_once(shop, memory, receiver):  # noqa: F811
    shop.add("It rains", user_id="bo", expiration_date="2020-01-01")
    lapse(memory, receiver)
    sweep()
    receiver.received.clear()
    expire_at(memory, timezone.now() + HOUR)
    send()
    receiver.received.clear()

    answer = shop.put(f"/v1/memories/{memory}/", {"expiration_date": "2020-01-01"})
    assert answer.status_code == 200, answer.content
    send()
    sweep()

    assert told(receiver) == [("DELETE", "")]


@pytest.mark.parametrize("state", [State.PAUSED, State.DELETED, State.ARCHIVED])
def test_what_was_not_shown_expires_in_silence(memory, receiver, state):  # noqa: F811
    Memory.objects.filter(pk=memory).change_state(state, by=None)
    send()
    receiver.received.clear()
    lapse(memory, receiver)
    sweep()

    assert told(receiver) == []


def test_nobody_else_is_told(rival, memory, receiver):  # noqa: F811
    Webhook.objects.all().delete()
    subscribe(rival, receiver.url, ALL)
    lapse(memory, receiver)
    sweep()

    assert not Delivery.objects.exists()


def test_who_subscribes_later_is_not_told(shop, memory, receiver):  # noqa: F811
    Webhook.objects.all().delete()
    lapse(memory, receiver)
    sweep()
    subscribe(shop, receiver.url)
    sweep()

    assert told(receiver) == []
