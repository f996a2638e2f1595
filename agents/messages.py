from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Message:
    """What a request asks for, as far as that decides what it counts for.

    What cannot be read asks for nothing: the SDK says what is wrong with it.
    """

    tool: str | None = None

    @classmethod
    def read(cls, body: bytes) -> Message:
        try:
            decoded = json.loads(body)
        except (ValueError, RecursionError):
            return cls()
        if not isinstance(decoded, dict) or decoded.get("method") != "tools/call":
            return cls()
        params = decoded.get("params")
        name = params.get("name") if isinstance(params, dict) else None
        return cls(tool=str(name))
