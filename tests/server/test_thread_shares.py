"""How the requests of several clients share the threads of a process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from core import processor_turns
from core.api.unread_body import ClientGone
from server.edge.limits import WAITING_PER_CLIENT
from server.edge.thread_pools import Pool
from tests.deadline import SECONDS

THREADS, SHARED = 8, 4


class Work:
    """Requests that run until they are told to end."""

    def __init__(self, running: int | None = SHARED) -> None:
        self.started: list[str] = []
        self.ended = threading.Event()
        self.pool = Pool("test", THREADS, running=running)
        self._tasks: list[asyncio.Task[None]] = []

    def ask(self, key: str, address: str = "", work: Callable[[], None] | None = None) -> None:
        def run() -> None:
            self.started.append(key)
            (work or self._wait)()

        call = self.pool.run(run, address=address, key=key)
        self._tasks.append(asyncio.create_task(call))

    def _wait(self) -> None:
        assert self.ended.wait(SECONDS)

    async def when_started(self, *keys: str) -> None:
        """Wait until these run, and for a moment in which others could begin to."""
        async with asyncio.timeout(SECONDS):
            while len(self.started) < len(keys):
                await asyncio.sleep(0.001)
        await asyncio.sleep(0.05)
        assert sorted(self.started) == sorted(keys)

    async def end(self) -> None:
        self.ended.set()
        async with asyncio.timeout(SECONDS):
            await asyncio.gather(*self._tasks)

    async def cancel(self, number: int) -> None:
        self._tasks[number].cancel()
        with suppress(asyncio.CancelledError):
            await self._tasks.pop(number)


def running(test: Callable[[Work], Awaitable[None]], **options: Any) -> None:
    async def run() -> None:
        work = Work(**options)
        try:
            await test(work)
        finally:
            await work.end()

    asyncio.run(run())


def test_a_client_that_is_alone_has_what_runs_at_once():
    async def test(work: Work) -> None:
        for _ in range(THREADS):
            work.ask("a")
        await work.when_started(*"a" * SHARED)

    running(test)


@pytest.mark.parametrize("addresses", [1, 20])
def test_a_client_with_many_requests_leaves_threads_to_others(addresses):
    async def test(work: Work) -> None:
        work.ask("b")
        for number in range(20):
            work.ask("a", address=str(number % addresses))
        await work.when_started(*"aab")
        work.ask("b")
        work.ask("c")
        await work.when_started(*"aabbc")
        await work.end()
        assert len(work.started) == 23

    running(test)


def test_streams_which_do_not_compute_have_all_threads():
    async def test(work: Work) -> None:
        for key in "bcdaaaaa":
            work.ask(key)
        await work.when_started(*"aaaaabcd")

    running(test, running=None)


def test_the_more_clients_there_are_the_fewer_requests_of_each_run():
    async def test(work: Work) -> None:
        for key in "bcd":
            work.ask(key)
        for _ in range(8):
            work.ask("a")
        await work.when_started(*"abcd")

    running(test)


def test_a_client_that_fills_its_places_leaves_some_to_others():
    async def test(work: Work) -> None:
        for _ in range(THREADS + WAITING_PER_CLIENT):
            work.ask("a")
        await work.when_started(*"a" * SHARED)
        assert work.pool.is_full(address="", key="a")
        assert not work.pool.is_full(address="", key="b")

    running(test)


def test_a_request_whose_client_has_left_does_not_run():
    async def test(work: Work) -> None:
        with pytest.raises(ClientGone):
            await work.pool.run(lambda: work.started.append("a"), key="a", is_gone=lambda: True)
        work.ask("b")
        await work.when_started("b")

    running(test)


def test_requests_without_a_key_are_those_of_their_address():
    async def test(work: Work) -> None:
        for address in "yxxxyy":
            work.ask("", address=address)
        await work.when_started("", "", "", "")

    running(test)


def test_who_waits_for_something_else_lets_the_next_request_run():
    async def test(work: Work) -> None:
        def wait() -> None:
            with processor_turns.interrupted():
                assert work.ended.wait(SECONDS)

        work.ask("b")
        for _ in range(3):
            work.ask("a", work=wait)
        for _ in range(3):
            work.ask("a")
        await work.when_started(*"aaaaab")

    running(test)


def test_a_request_that_is_given_up_while_it_waits_holds_no_thread():
    async def test(work: Work) -> None:
        work.ask("b")
        for _ in range(4):
            work.ask("a")
        await work.when_started(*"aab")
        await work.cancel(3)
        await work.end()
        assert sorted(work.started) == list("aaab")
        work.ended.clear()
        for _ in range(8):
            work.ask("c")
        await work.when_started(*"aaabcccc")

    running(test)
