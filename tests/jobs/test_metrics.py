"""A worker for quick jobs watches itself, and ends when it had better be another."""

from __future__ import annotations

import os
import signal
import threading

import pytest
from celery import beat

from openmemory.celery import app
from server import worker


@pytest.fixture
def signals(monkeypatch):
    """What this process would have been sent."""
    sent = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append((pid, number)))
    monkeypatch.setattr(worker, "CHECK_SECONDS", 0.01)
    return sent


def sender(monkeypatch, run):
    thread = threading.Thread(target=run, daemon=True)
    monkeypatch.setattr(beat, "EmbeddedService", lambda app, **how: thread)


def test_it_ends_when_what_sends_periodic_messages_has_died(signals, monkeypatch):
    sender(monkeypatch, lambda: None)

    worker._supervise(app, beats=True)

    assert signals == [(os.getpid(), signal.SIGTERM)]


@pytest.mark.parametrize("beats", [True, False])
def test_it_ends_when_it_has_grown_too_large(signals, monkeypatch, settings, beats):
    done = threading.Event()
    sender(monkeypatch, done.wait)
    settings.WORKER_MEGABYTES = 1

    worker._supervise(app, beats=beats)

    done.set()
    assert signals == [(os.getpid(), signal.SIGTERM)]
