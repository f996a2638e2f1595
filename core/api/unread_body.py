"""Bodies that cannot be read, and why. Django turns these errors into UnreadablePostError."""

from __future__ import annotations

import io
from typing import Any


class ClientGone(OSError):
    """The client has disconnected, or has broken the framing of its body."""


class SlowClient(OSError):
    """The body arrived too slowly."""


# The key of the environ under which the server passes a problem to respond with.
REFUSAL = "openmemory.refusal"


class UnreadBody(io.RawIOBase):
    """In place of a body that the server refuses to receive, for a reason under REFUSAL."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        raise ClientGone
