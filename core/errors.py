"""The base class of domain errors, and its few subclasses that map to an HTTP status.

Models and domain functions raise them. `core.api.exception_handler` translates them to HTTP. The
docstring of an error is its default message.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar


class OpenMemoryError(Exception):
    """The server could not process the request."""

    code: ClassVar[str] = "error"
    # What a program needs to know beside the code and the detail.
    members: Mapping[str, Any] = MappingProxyType({})
    retry_after: float | None = None  # seconds, where trying again helps and it is known

    def __init__(self, detail: str | None = None) -> None:
        self.detail = detail or inspect.cleandoc(type(self).__doc__ or "")
        super().__init__(self.detail)


class Malformed(OpenMemoryError):
    """The request is malformed."""

    code = "malformed"

    def __init__(self, detail: str | None = None, *, field: str | None = None) -> None:
        super().__init__(detail)
        self.field = field


class TooLarge(OpenMemoryError):
    """The request exceeds the size limit."""

    code = "too_large"


class NotAllowed(OpenMemoryError):
    """This API key is not allowed to do this."""

    code = "forbidden"


class NotFound(OpenMemoryError):
    """The object does not exist."""

    code = "not_found"


class Gone(OpenMemoryError):
    """The object no longer exists."""

    code = "gone"


class Conflict(OpenMemoryError):
    """The request conflicts with the current state."""

    code = "conflict"


class Unprocessable(OpenMemoryError):
    """The request is well-formed, but cannot be carried out."""

    code = "unprocessable"


class StorageFull(OpenMemoryError):
    """The server's disk is full: nothing was stored. Try again when there is space."""

    code = "disk_full"


class PreconditionFailed(OpenMemoryError):
    """It was changed since you read it. Read it again, and repeat your change."""

    code = "precondition_failed"


class Unavailable(OpenMemoryError):
    """A required service is unavailable."""

    code = "unavailable"
