"""Which of the two formats of MCP a client accepts."""

from __future__ import annotations

JSON = "application/json"
EVENT_STREAM = "text/event-stream"


def preferred_format(accept: str) -> str | None:
    """Return the format that an Accept header prefers, JSON if it is all the same, else None.

    Parameters other than `q` are ignored. Without a header, everything is accepted.
    """
    qualities = dict(_parse_range(part) for part in (accept.strip() or "*/*").split(","))

    def quality(media_type: str) -> float:
        ranges = (media_type, f"{media_type.split('/')[0]}/*", "*/*")
        return next((qualities[each] for each in ranges if each in qualities), 0)

    best = max((JSON, EVENT_STREAM), key=quality)
    return best if quality(best) > 0 else None


def _parse_range(text: str) -> tuple[str, float]:
    media_type, *parameters = (part.strip().lower() for part in text.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            return media_type, _parse_quality(value.strip())
    return media_type, 1


def _parse_quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 1
