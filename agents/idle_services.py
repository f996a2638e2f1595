"""Use the embedded services only while there is work.

A process that speaks MCP over stdio lives as long as its client, for days. If it kept the services,
no server could start meanwhile. If it relied on a server, that could stop.
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

# The services stay up for the next call, because starting them takes longer than a call.
IDLE_SECONDS = 5.0


class IdleServicesExecutor(Executor):
    """Runs functions one at a time in a thread, and has the services running meanwhile.

    A function's future raises ServiceFailed if the services do not start.
    """

    def __init__(self, command: str) -> None:
        self._command = command
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="idle-services")
        self._resources = ExitStack()
        self._running = False
        self._stop_timer = threading.Timer(IDLE_SECONDS, lambda: None)

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        self._stop_timer.cancel()
        return self._thread.submit(self._run, partial(fn, *args, **kwargs))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._stop_timer.cancel()
        self._thread.submit(self._stop_services)
        self._thread.shutdown(wait, cancel_futures=cancel_futures)

    def _run(self, function: Callable[[], T]) -> T:
        self._stop_timer.cancel()
        if not self._running:
            self._start_services()
        try:
            return function()
        finally:
            close_old_connections()
            self._stop_timer = threading.Timer(
                IDLE_SECONDS, lambda: self._thread.submit(self._stop_services)
            )
            self._stop_timer.daemon = True
            self._stop_timer.start()

    def _start_services(self) -> None:
        services = stack.required_services(
            settings.STATE_DIR, database_url=settings.DATABASE_URL, redis_url=settings.REDIS_URL
        )
        self._resources.enter_context(stack.running(self._command, settings.STATE_DIR, services))
        self._running = True

    def _stop_services(self) -> None:
        for wrapper in connections.all():
            wrapper.close()
            if isinstance(wrapper, DatabaseWrapper):
                wrapper.close_pool()
        self._running = False
        self._resources.close()
