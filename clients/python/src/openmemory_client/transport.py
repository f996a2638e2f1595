"""When a request is sent again, and what makes that safe."""

from __future__ import annotations

import os
import random
import uuid
from dataclasses import dataclass

import httpx

from .calls import Answer, Call, T
from .errors import ConnectionFailed, OpenMemoryError, build_error

# Sent with POST, but they change nothing.
SAFE = {"POST /memories/search", "POST /memories/context"}
AGAIN = {429, 502, 503, 504}
IN_FLIGHT = "idempotency_key_in_use"
MOST_SECONDS = 30.0


@dataclass(frozen=True)
class Settings:
    """Where the server is, and how patient the client is."""

    url: str
    key: str
    app: str | None = None
    timeout: float = 30.0
    retries: int = 2

    @classmethod
    def of(
        cls,
        url: str | None,
        key: str | None,
        *,
        app: str | None,
        timeout: float,
        retries: int,
    ) -> Settings:
        url = url or os.environ.get("OPENMEMORY_URL") or "http://127.0.0.1:8000"
        key = key or os.environ.get("OPENMEMORY_API_KEY") or ""
        if not key:
            raise ValueError("Pass `key`, or set OPENMEMORY_API_KEY.")
        return cls(url.rstrip("/").removesuffix("/api/v1"), key, app, timeout, retries)

    @property
    def base_url(self) -> str:
        return f"{self.url}/api/v1"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}", "Accept": "application/json"}


def headers_of(call: Call[T]) -> dict[str, str]:
    """With a key for writes, so that a repeated one is carried out once."""
    headers = dict(call.headers)
    if call.body is not None:
        headers["Content-Type"] = "application/json"
    if call.method != "GET" and call.operation not in SAFE:
        headers["Idempotency-Key"] = str(uuid.uuid4())
    return headers


def read(call: Call[T], response: httpx.Response) -> T:
    """Raises OpenMemoryError."""
    try:
        data = response.json() if response.content else None
    except ValueError:
        data = None
    if response.status_code >= 400:
        raise build_error(response.status_code, data, response.headers)
    if data is None:
        raise OpenMemoryError(
            "The server's answer is no JSON. Is this the address of OpenMemory?",
            code="no_json",
            status=response.status_code,
        )
    return call.read(Answer(response.status_code, data, response.headers))


def pause_before(attempt: int, error: OpenMemoryError, *, retries: int) -> float | None:
    """How many seconds to wait before sending it again; None if it is not sent again."""
    again = isinstance(error, ConnectionFailed) or error.status in AGAIN or error.code == IN_FLIGHT
    if not again or attempt >= retries:
        return None
    if error.retry_after is not None:
        return error.retry_after if error.retry_after <= MOST_SECONDS else None
    return float(0.25 * 2**attempt * (1 + random.random()))  # noqa: S311 - no secret


def failed(error: httpx.HTTPError) -> ConnectionFailed:
    code = "timeout" if isinstance(error, httpx.TimeoutException) else "connection"
    return ConnectionFailed(f"{type(error).__name__}: {error}", code=code)
