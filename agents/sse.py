"""The streams of clients that speak the oldest protocol: they post in one request, and read the
answers in another that stays open.

The two may reach different processes. So a stream reads what it sends from a list in the broker,
and whoever answers a message puts it there.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import redis
import structlog
from django.conf import settings
from django.db import connections

from core.api.shutdown import stopping
from core.errors import NotFound, Unavailable

from .tool_call import Caller

log = structlog.get_logger(__name__)

# Seconds between two signs of life. One that cannot be sent ends the stream.
PING = 15
# Seconds that a session outlives its stream, if that was cut off without a word.
LINGER = 3 * PING
# Answers that wait for a client that does not read them.
MOST_WAITING = 100

MESSAGES = "/mcp/messages/"

# Each stream holds a thread. There are so many threads more than requests are worked on.
_slots = threading.BoundedSemaphore(settings.AGENT_STREAMS)


class SessionNotFound(NotFound):
    """There is no such session: connect again."""

    code = "session_not_found"


class TooManyStreams(Unavailable):
    """Too many streams are open: close one, or use the address with `http` in place of `sse`."""


@dataclass(frozen=True)
class Session:
    id: str
    key: str
    user_id: str
    client: str

    @property
    def mail(self) -> str:
        return f"openmemory:agents:mail:{self.id}"


def begin(caller: Caller, *, client: str) -> Session:
    """Make a session for a stream, which only the key of the caller can post to."""
    session = Session(uuid.uuid4().hex, str(caller.key.pk), caller.user.user_id, client)
    _broker().set(_name(session.id), json.dumps(asdict(session)), ex=LINGER)
    return session


def find(session_id: str, *, key: str) -> Session:
    """Raises SessionNotFound, also for a session of another key."""
    kept: Any = _broker().get(_name(session_id))
    session = Session(**json.loads(kept)) if kept else None
    if session is None or session.key != key:
        raise SessionNotFound
    return session


def put(answer: bytes, session: Session) -> None:
    """Have the stream of a session send this."""
    with _broker().pipeline() as pipeline:
        pipeline.rpush(session.mail, answer)
        pipeline.ltrim(session.mail, -MOST_WAITING, -1)
        pipeline.expire(session.mail, LINGER)
        pipeline.execute()


def events(session: Session) -> Iterator[bytes]:
    """What a stream sends, for as long as its client reads. Raises TooManyStreams at once."""
    if not _slots.acquire(blocking=False):
        raise TooManyStreams
    return _events(session)


def _events(session: Session) -> Iterator[bytes]:
    try:
        connections.close_all()  # it may last for days, and needs none
        yield _event("endpoint", f"{MESSAGES}?session_id={session.id}".encode())
        yield from _answers(session)
    except redis.RedisError as error:
        log.warning("a stream ended: the broker is away", reason=str(error))
    finally:
        _slots.release()
        with suppress(redis.RedisError):  # it forgets them by itself
            _broker().delete(_name(session.id), session.mail)


def _answers(session: Session) -> Iterator[bytes]:
    pinged = time.monotonic()
    while not stopping.is_set():
        mail: Any = _broker().blpop([session.mail], timeout=1)
        if mail:
            yield _event("message", mail[1])
        if time.monotonic() - pinged >= PING:
            _broker().expire(_name(session.id), LINGER)
            yield b": ping\r\n\r\n"
            pinged = time.monotonic()


def _event(kind: str, data: bytes) -> bytes:
    return b"event: %b\r\ndata: %b\r\n\r\n" % (kind.encode(), data)


def end_all_of(user_id: str) -> int:
    """End the sessions of a user, with the answers that wait for them: how many."""
    broker, ended = _broker(), 0
    for name in broker.scan_iter(_name("*")):
        kept: Any = broker.get(name)
        session = Session(**json.loads(kept)) if kept else None
        if session is not None and session.user_id == user_id:
            broker.delete(name, session.mail)
            ended += 1
    return ended


def _name(session_id: str) -> str:
    return f"openmemory:agents:session:{session_id}"


@cache
def _broker() -> redis.Redis:
    location = str(settings.CACHES["default"]["LOCATION"])
    return redis.Redis.from_url(location, socket_timeout=2 * PING, socket_connect_timeout=2)
