"""Use the services of this machine only while there is something to do.

An agent over stdio lives as long as the program that started it, for days. If it kept the
services, no server could start meanwhile; if it relied on a server, that might stop.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import Any, TypeVar

from django.conf import settings
from django.db import close_old_connections, connections
from django.db.backends.postgresql.base import DatabaseWrapper

from embedded import stack

T = TypeVar("T")

# Seconds that the services are kept for the next call: starting them takes longer than a call.
IDLE = 5.0


class Visits(Executor):
    """Runs what it is given in one thread, one after the other, with the services there.

    What it is given raises ServiceFailed when they do not start.
    """

    def __init__(self, command: str) -> None:
        self._command = command
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="visits")
        self._held = ExitStack()
        self._here = False
        self._leaving = threading.Timer(IDLE, lambda: None)

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        self._leaving.cancel()
        return self._thread.submit(self._visit, partial(fn, *args, **kwargs))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._leaving.cancel()
        self._thread.submit(self._leave)
        self._thread.shutdown(wait, cancel_futures=cancel_futures)

    def _visit(self, work: Callable[[], T]) -> T:
        self._leaving.cancel()
        if not self._here:
            self._enter()
        try:
            return work()
        finally:
            close_old_connections()
            self._leaving = threading.Timer(IDLE, lambda: self._thread.submit(self._leave))
            self._leaving.daemon = True
            self._leaving.start()

    def _enter(self) -> None:
        services = stack.required_services(
            settings.STATE_DIR, database_url=settings.DATABASE_URL, redis_url=settings.REDIS_URL
        )
        self._held.enter_context(stack.running(self._command, settings.STATE_DIR, services))
        self._here = True

    def _leave(self) -> None:
        for opened in connections.all():
            opened.close()
            if isinstance(opened, DatabaseWrapper):
                opened.close_pool()
        self._here = False
        self._held.close()
