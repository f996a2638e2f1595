"""The errors of the server as classes, each with the problem's code (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class OpenMemoryError(Exception):
    """A request failed. `code` is what programs compare; `str()` is for persons."""

    def __init__(
        self,
        detail: str,
        *,
        code: str = "error",
        status: int | None = None,
        errors: list[dict[str, Any]] | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code
        self.status = status
        self.errors = errors or []
        self.request_id = request_id
        self.retry_after = retry_after


class ConnectionFailed(OpenMemoryError):
    """The server could not be reached, or did not answer in time."""


class BadRequest(OpenMemoryError):
    """400 or 422: the request is wrong. `errors` says where."""


class Unauthorized(OpenMemoryError):
    """401: the key is missing, wrong, revoked or expired."""


class Forbidden(OpenMemoryError):
    """403: the key may not do this."""


class NotFound(OpenMemoryError):
    """404: there is no such object, or the key may not see it."""


class Conflict(OpenMemoryError):
    """409: the object is in a state that does not allow this."""


class PreconditionFailed(OpenMemoryError):
    """412: the memory is of another version than the request was for."""


class TooLarge(OpenMemoryError):
    """413: the body is too large."""


class RateLimited(OpenMemoryError):
    """429: too many requests; `retry_after` says when to try again."""


class ServerError(OpenMemoryError):
    """5xx: the server failed. Its log has the cause under `request_id`."""


CLASSES: dict[int, type[OpenMemoryError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    412: PreconditionFailed,
    413: TooLarge,
    422: BadRequest,
    429: RateLimited,
}


def build_error(status: int, problem: Any, headers: Mapping[str, str]) -> OpenMemoryError:
    """Build the error that an answer describes, whether or not it is a problem document."""
    known: Mapping[str, Any] = problem if isinstance(problem, dict) else {}
    default = ServerError if status >= 500 else OpenMemoryError
    return CLASSES.get(status, default)(
        str(known.get("detail") or f"The server answered {status}."),
        code=str(known.get("code") or f"http_{status}"),
        status=status,
        errors=known.get("errors"),
        request_id=known.get("request_id") or headers.get("X-Request-ID"),
        retry_after=parse_seconds(headers.get("Retry-After")),
    )


def parse_seconds(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.isdigit() else None
