"""The root of the errors that the domain raises, and the few kinds that an API can answer with.

Models and verbs raise these; `core.api.exception_handler` translates them to HTTP in one place.
The docstring of an error is its message, unless the one who raises it knows more.
"""

from __future__ import annotations

import inspect
from typing import ClassVar


class OpenMemoryError(Exception):
    """The server could not do what was asked."""

    code: ClassVar[str] = "error"

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
    """That is larger than what is read here."""

    code = "too_large"


class NotAllowed(OpenMemoryError):
    """This key may not do that."""

    code = "forbidden"


class NotFound(OpenMemoryError):
    """There is no such object."""

    code = "not_found"


class Gone(OpenMemoryError):
    """What was there is there no longer."""

    code = "gone"


class Conflict(OpenMemoryError):
    """That contradicts the present state."""

    code = "conflict"


class Unavailable(OpenMemoryError):
    """A service that is needed for this is not available at the moment."""

    code = "unavailable"
    retry_after: float | None = None  # seconds until it may be, where that is known
