"""Messages, to a broker that is there, that is away, and that comes back."""

from __future__ import annotations

import socket
import time

import pytest
from django.conf import settings
from kombu import Connection

from jobs import wakeup
from jobs.wakeup import WakeupSender
from openmemory.celery import app
from tests.deadline import SECONDS, eventually


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(wakeup, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(wakeup, "EXIT_SECONDS", 60.0)


def received():
    """Take a message from the broker: what it says, or None."""
    with app.connection_for_read() as connection:
        queue = connection.SimpleQueue(settings.JOBS_QUEUES["long"])
        try:
            message = queue.get(block=False)
        except queue.Empty:
            return None
        message.ack()
        return message.headers["task"], message.payload[0]


@pytest.fixture(autouse=True)
def emptied():
    while received():
        pass


def connect_to(url, monkeypatch):
    monkeypatch.setattr(app, "connection_for_write", lambda **how: Connection(url, **how))


def test_a_message_names_a_queue():
    sender = WakeupSender()
    sender.send("long")
    sender.flush()  # as a process does before it ends

    assert received() == ("jobs.work_off", ["long"])


def test_a_broker_that_is_away_is_told_once_and_gets_the_message_when_it_is_back(
    monkeypatch, caplog
):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    connect = app.connection_for_write
    connect_to(f"redis://127.0.0.1:{port}/0", monkeypatch)
    sender = WakeupSender()
    sender.send("long")
    assert eventually(lambda: "the broker is unreachable" in caplog.text)
    sender.flush()  # which waits for no broker that is known to be away
    monkeypatch.setattr(app, "connection_for_write", connect)

    found = []
    assert eventually(lambda: found.append(received()) or found[-1])
    # A sender of another test may tell of another broker.
    assert caplog.text.count(f"connecting to 127.0.0.1:{port}") == 1
    assert eventually(lambda: "the broker is reachable again" in caplog.text)


def test_who_queues_waits_for_no_broker(monkeypatch):
    """One that takes connections, and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        connect_to(url, monkeypatch)
        sender = WakeupSender()
        began = time.monotonic()
        for _ in range(1000):
            sender.send("quick")
        took = time.monotonic() - began

    assert took < SECONDS  # it is milliseconds, and would be hours


def test_messages_are_sent_without_delay_unless_there_is_no_end_of_them(monkeypatch):
    monkeypatch.setattr(wakeup, "MESSAGE_SECONDS", 100.0)
    pace = wakeup.Pace()

    pauses = [pace.next_pause() for _ in range(wakeup.BURST + 2)]

    assert set(pauses[: wakeup.BURST]) == {wakeup.BATCH_SECONDS}
    assert 100.0 < pauses[-1] <= 200.0
