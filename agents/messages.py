from __future__ import annotations

import json
from dataclasses import dataclass

from core.api.parsers import unique_members


@dataclass(frozen=True)
class Message:
    """The tool that a message calls, if any. It decides which rate limit the message counts for.

    An invalid message calls no tool. The SDK reports its error, but for an object with a name
    twice: the SDK would take the last one. Raises BadBody for it.
    """

    tool: str | None = None

    @classmethod
    def parse(cls, body: bytes) -> Message:
        try:
            decoded = json.loads(body, object_pairs_hook=unique_members)
        except (ValueError, RecursionError):
            return cls()
        if not isinstance(decoded, dict) or decoded.get("method") != "tools/call":
            return cls()
        params = decoded.get("params")
        name = params.get("name") if isinstance(params, dict) else None
        return cls(tool=str(name))
