"""Write down a conversation as one text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

# What system, developer and tool messages say is said to a model and not by anybody.
HEARD = ["user", "assistant"]
ROLES = [*HEARD, "system", "developer", "tool"]


def transcript(messages: Iterable[Mapping[str, Any]]) -> str:
    """Write a line for each thing that is said: who says it, and what.

    Further lines of one message are indented, so that none of them can pass for somebody else's.
    """
    return "\n".join(
        f"{_speaker(message)}: {_indented(message['content'])}" for message in _said(messages)
    )


def only_speaker(messages: Iterable[Mapping[str, Any]]) -> str:
    """Name who says all that is said; empty when several do."""
    speakers = {_speaker(message) for message in _said(messages)}
    return speakers.pop() if len(speakers) == 1 else ""


def _said(messages: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for message in messages:
        if message["role"] in HEARD and (message["content"] or "").strip():
            yield message


def _speaker(message: Mapping[str, Any]) -> str:
    return " ".join((message.get("name") or message["role"]).split())


def _indented(content: str) -> str:
    return "\n  ".join(content.strip().splitlines())
