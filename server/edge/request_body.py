"""Receive the body of a request, at a rate that a slow client cannot keep as low as it likes."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO, Any, cast

from core.api.problems import Problem
from core.api.unread_body import REFUSAL, ClientGone, SlowClient, UnreadBody

from .limits import BODY_BYTES_PER_SECOND, BODY_GRACE_SECONDS, BODY_MEMORY_BYTES
from .request_head import RequestHead
from .scratch import scratch_folder
from .slots import Slot

Receive = Callable[[], Awaitable[Any]]


class BodyTooLarge(Exception):
    """A body without a length has exceeded the limit."""


@dataclass(frozen=True)
class RequestBody:
    """A body as the application gets it."""

    file: IO[bytes]
    # None for one that is not known, or was not sent.
    length: int | None
    upload: UploadStream | None = None
    is_received: bool = True
    refusal: Problem | None = None

    @property
    def is_complete(self) -> bool:
        return self.upload.is_complete if self.upload else self.is_received

    def environ(self) -> dict[str, Any]:
        values: dict[str, Any] = {"wsgi.input": self.file}
        if self.length is not None:
            values["CONTENT_LENGTH"] = str(self.length)
        elif self.upload:
            values["wsgi.input_terminated"] = True
        if self.refusal:
            values[REFUSAL] = self.refusal
        return values

    @classmethod
    def unread(cls, head: RequestHead, refusal: Problem) -> RequestBody:
        file = cast(IO[bytes], UnreadBody())
        # The application must not take a chunked body for none.
        length = 1 if head.length is None else head.length
        return cls(file, length, is_received=False, refusal=refusal)


class ReceivedBody:
    """What has arrived of a body. A long one is in the scratch folder."""

    def __init__(self) -> None:
        self.file = SpooledTemporaryFile(  # noqa: SIM115 - its request closes it
            max_size=BODY_MEMORY_BYTES, dir=str(scratch_folder())
        )
        self.length = 0
        self.is_complete = False

    async def receive_part(self, receive: Receive) -> None:
        """Raises ClientGone."""
        part, self.is_complete = await _receive(receive)
        self.length += len(part)
        self.file.write(part)

    async def receive_rest(self, receive: Receive, slot: Slot, *, limit: int) -> None:
        """Raises ClientGone and BodyTooLarge; TimeoutError and Displaced at the slot's end."""
        started = asyncio.get_running_loop().time()
        while not self.is_complete:
            waited = asyncio.get_running_loop().time() - started
            slot.extend(_seconds_for(self.length) - waited)
            await self.receive_part(receive)
            if self.length > limit:
                raise BodyTooLarge

    def as_body(self) -> RequestBody:
        self.file.seek(0)
        return RequestBody(cast(IO[bytes], self.file), self.length)


class UploadStream(io.RawIOBase):
    """A body that a thread reads while it arrives."""

    def __init__(self, begun: ReceivedBody, receive: Receive) -> None:
        self._loop = asyncio.get_running_loop()
        begun.file.seek(0)
        self._part = begun.file.read()
        self._length = len(self._part)
        self._receive = receive
        self._waited = 0.0
        self.is_complete = begun.is_complete

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Raises ClientGone and SlowClient, which are OSErrors."""
        while not self._part and not self.is_complete:
            future = asyncio.run_coroutine_threadsafe(self._receive_part(), self._loop)
            self._part, self.is_complete = future.result()
        size = min(len(buffer), len(self._part))
        buffer[:size], self._part = self._part[:size], self._part[size:]
        return size

    async def _receive_part(self) -> tuple[bytes, bool]:
        started = self._loop.time()
        try:
            # Only waiting for the client counts: the application may read more slowly.
            async with asyncio.timeout(_seconds_for(self._length) - self._waited):
                part, is_complete = await _receive(self._receive)
        except TimeoutError:
            raise SlowClient from None
        self._waited += self._loop.time() - started
        self._length += len(part)
        return part, is_complete

    def as_body(self, length: int | None) -> RequestBody:
        return RequestBody(cast(IO[bytes], io.BufferedReader(self)), length, upload=self)


async def _receive(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    return message["body"], not message["more_body"]


def _seconds_for(length: int) -> float:
    return BODY_GRACE_SECONDS + length / BODY_BYTES_PER_SECOND
