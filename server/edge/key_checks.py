"""Look at the key of a request before its body is received."""

from __future__ import annotations

import hashlib
import time

from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest
from rest_framework.exceptions import AuthenticationFailed

from accounts.authentication import find_key
from core.api.exception_handler import problem_of
from core.api.problems import Problem

from .limits import KEY_SECONDS, KEYS
from .thread_pools import Pool


class KeyChecks:
    """The request itself is always authenticated. This decides only about its body."""

    def __init__(self, threads: Pool) -> None:
        self._threads = threads
        self._accepted_until: dict[bytes, float] = {}

    async def find_problem(self, header: str) -> Problem | None:
        """Return why an Authorization header is rejected, if it is."""
        if not header:
            return _find_problem(header)
        digest = hashlib.sha256(header.encode("latin-1")).digest()
        if self._accepted_until.get(digest, 0.0) > time.monotonic():
            return None
        problem = await self._threads.run(_look_up, header)
        if problem is None:
            if len(self._accepted_until) >= KEYS:
                self._accepted_until.clear()
            self._accepted_until[digest] = time.monotonic() + KEY_SECONDS
        return problem


def _look_up(header: str) -> Problem | None:
    try:
        return _find_problem(header)
    finally:
        connection.close()  # the thread must not keep a connection of the pool


def _find_problem(header: str) -> Problem | None:
    try:
        find_key(header)
    except (AuthenticationFailed, OperationalError, InterfaceError) as error:
        if isinstance(error, AuthenticationFailed):
            error.auth_header = "Bearer"  # type: ignore[attr-defined]
        return problem_of(error, HttpRequest())
    return None
