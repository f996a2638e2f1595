"""A limited number of places, in all and for each client address."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from .limits import PATIENCE_SECONDS, WAIT_SECONDS


class Displaced(Exception):
    """Others needed the place of a client that was slow."""


@dataclass(eq=False)
class Slot:
    address: str
    taken_at: float
    timeout: asyncio.Timeout
    is_displaced: bool = False

    def displace(self) -> None:
        self.extend(0)
        self.is_displaced = True

    def extend(self, seconds: float) -> None:
        """Set the time after which the holder gives up, counted from now."""
        if not (self.is_displaced or self.timeout.expired()):
            self.timeout.reschedule(asyncio.get_running_loop().time() + seconds)


class Slots:
    """A newcomer takes the place of the oldest holder, once that has had it for a moment.

    So clients that are slow on purpose displace each other, and a client that is not is done long
    before its turn to be displaced. The newest of those who wait is served first, for the same
    reason.
    """

    def __init__(self, total: int, per_address: int) -> None:
        self._total, self._per_address = total, per_address
        self._slots: dict[Slot, None] = {}  # by age
        self._by_address: Counter[str] = Counter()
        self._waiting: list[asyncio.Future[None]] = []

    @asynccontextmanager
    async def hold(self, address: str) -> AsyncIterator[Slot]:
        """Raises Displaced if there is no place, or it is lost; TimeoutError at its timeout."""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while not self.has_room(address):
                    await self._wait(address)
        except TimeoutError:
            raise Displaced from None
        slot: Slot | None = None
        try:
            async with asyncio.timeout(None) as timeout:
                slot = self._take(address, timeout)
                yield slot
        except TimeoutError:
            if slot and slot.is_displaced:
                raise Displaced from None
            raise
        finally:
            if slot:
                self._release(slot)

    def has_room(self, address: str) -> bool:
        """Whether a newcomer from this address would get a place at once."""
        return len(self._slots) < self._total and self._by_address[address] < self._per_address

    async def _wait(self, address: str) -> None:
        """Wait until a place may be free, after displacing the oldest holder if it is time."""
        loop = asyncio.get_running_loop()
        rival = self._rival(address)
        patience = rival.taken_at + PATIENCE_SECONDS - loop.time() if rival else PATIENCE_SECONDS
        if rival and patience <= 0:
            rival.displace()
        waiter = loop.create_future()
        self._waiting.append(waiter)
        try:
            await asyncio.wait([waiter], timeout=patience if patience > 0 else PATIENCE_SECONDS)
        finally:
            if waiter in self._waiting:
                self._waiting.remove(waiter)

    def _rival(self, address: str) -> Slot | None:
        """Return the oldest holder that is in the way and has not been displaced yet."""
        is_full_for_address = self._by_address[address] >= self._per_address
        holders = (slot for slot in self._slots if not slot.is_displaced)
        return next(
            (slot for slot in holders if slot.address == address or not is_full_for_address), None
        )

    def _take(self, address: str, timeout: asyncio.Timeout) -> Slot:
        slot = Slot(address, asyncio.get_running_loop().time(), timeout)
        self._slots[slot] = None
        self._by_address[address] += 1
        return slot

    def _release(self, slot: Slot) -> None:
        del self._slots[slot]
        self._by_address[slot.address] -= 1
        if not self._by_address[slot.address]:
            del self._by_address[slot.address]
        if self._waiting:
            self._waiting.pop().set_result(None)
