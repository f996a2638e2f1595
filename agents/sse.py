"""The SSE transport of the oldest protocol: clients post messages in one request, and read the
responses from the stream of another.

Both requests may reach different processes. So the process that answers a message appends the
response to a list in the broker, and the stream reads it from there.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import redis
import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connections

from accounts.models import ApiKey, User
from core.api.shutdown import stopping
from core.errors import NotFound, Unavailable

from .tool_call import Caller

log = structlog.get_logger(__name__)

# Seconds between two pings. A ping that cannot be sent ends the stream.
PING_SECONDS = 15
# Seconds that a session outlives a stream that was cut off.
SESSION_SECONDS = 3 * PING_SECONDS
# Responses queued for a client that does not read them.
MAX_QUEUED = 100

MESSAGES = "/mcp/messages/"

# In place of the key of a legacy client, which has none.
NO_KEY = "None"

# Each stream holds a thread. The web server has this many additional threads.
_slots = threading.BoundedSemaphore(settings.AGENT_STREAMS)


class SessionNotFound(NotFound):
    """The session does not exist. Connect again."""

    code = "session_not_found"


class TooManyStreams(Unavailable):
    """Too many streams are open. Close one, or use the URL with `http` instead of `sse`."""


@dataclass(frozen=True)
class Session:
    id: str
    key: str
    user_id: str
    client: str
    named_id: str = ""  # how its client names the user

    @property
    def queue(self) -> str:
        return f"openmemory:agents:mail:{self.id}"


def open_session(caller: Caller, *, client: str) -> Session:
    """Create the session of a stream. Only the caller's key can post to it.

    That of an end user who is not stored yet is one of the account.
    """
    key, user = caller.key, caller.user
    user_id = user.user_id if user.is_stored else key.user.user_id
    session = Session(uuid.uuid4().hex, str(key.pk), user_id, client, user.named_id)
    _broker().set(_session_key(session.id), json.dumps(asdict(session)), ex=SESSION_SECONDS)
    return session


def find_session(session_id: str, *, key: str) -> Session:
    """Return a session of this key. Raises SessionNotFound."""
    value: Any = _broker().get(_session_key(session_id))
    session = Session(**json.loads(value)) if value else None
    if session is None or session.key != key:
        raise SessionNotFound
    return session


def send(response: bytes, session: Session) -> None:
    """Queue a response for the stream of a session."""
    with _broker().pipeline() as pipeline:
        pipeline.rpush(session.queue, response)
        pipeline.ltrim(session.queue, -MAX_QUEUED, -1)
        pipeline.expire(session.queue, SESSION_SECONDS)
        pipeline.execute()


def open_stream(session: Session) -> Iterator[bytes]:
    """Return the events of a stream, which ends with its client. Raises TooManyStreams at once."""
    if not _slots.acquire(blocking=False):
        raise TooManyStreams
    return _events(session)


def _events(session: Session) -> Iterator[bytes]:
    try:
        connections.close_all()  # the stream may last for days, and needs no database
        yield format_event("endpoint", f"{MESSAGES}?session_id={session.id}".encode())
        yield from _responses(session)
    except redis.RedisError as error:
        log.warning("a stream ended: the broker is unreachable", reason=str(error))
    finally:
        _slots.release()
        with suppress(redis.RedisError):  # the keys expire anyway
            _broker().delete(_session_key(session.id), session.queue)


def _responses(session: Session) -> Iterator[bytes]:
    pinged_at = time.monotonic()
    while not stopping.is_set():
        item: Any = _broker().blpop([session.queue], timeout=1)
        if item:
            yield format_event("message", item[1])
        if time.monotonic() - pinged_at >= PING_SECONDS:
            if not _is_permitted(session):
                return
            _broker().expire(_session_key(session.id), SESSION_SECONDS)
            yield b": ping\r\n\r\n"
            pinged_at = time.monotonic()


def _is_permitted(session: Session) -> bool:
    """Whether the key of a stream is still valid, and its user still active."""
    try:
        user = User.objects.filter(user_id=session.user_id, is_active=True)
        is_key_valid = (
            settings.LEGACY_CLIENTS
            if session.key == NO_KEY
            else ApiKey.objects.valid().filter(pk=session.key).exists()
        )
        return is_key_valid and user.exists()
    except (OperationalError, InterfaceError) as error:
        log.warning("a stream goes on unchecked: the database is unreachable", reason=str(error))
        return True
    finally:
        connections.close_all()


def format_event(event_type: str, data: bytes) -> bytes:
    return b"event: %b\r\ndata: %b\r\n\r\n" % (event_type.encode(), data)


def end_sessions(user_ids: Collection[str]) -> int:
    """End all sessions of users and delete their queued responses. Returns their number."""
    broker, ended = _broker(), 0
    for key in broker.scan_iter(_session_key("*")):
        value: Any = broker.get(key)
        session = Session(**json.loads(value)) if value else None
        if session is not None and session.user_id in user_ids:
            broker.delete(key, session.queue)
            ended += 1
    return ended


def _session_key(session_id: str) -> str:
    return f"openmemory:agents:session:{session_id}"


@cache
def _broker() -> redis.Redis:
    location = str(settings.CACHES["default"]["LOCATION"])
    return redis.Redis.from_url(location, socket_timeout=2 * PING_SECONDS, socket_connect_timeout=2)
