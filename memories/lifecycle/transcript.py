"""Turn the messages of a conversation into one text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from core.visible_text import is_visible

# System, developer and tool messages are addressed to a model: no person says them.
SPEAKING_ROLES = ["user", "assistant"]
ROLES = [*SPEAKING_ROLES, "system", "developer", "tool"]


def build_transcript(messages: Iterable[Mapping[str, Any]]) -> str:
    """Write one line for each message: its speaker and its content.

    Further lines of a message are indented, so that none can pass for another speaker's.
    """
    return "\n".join(
        f"{_speaker(message)}: {_indent(message['content'])}" for message in _spoken(messages)
    )


def find_only_speaker(messages: Iterable[Mapping[str, Any]]) -> str:
    """Find the only speaker of a conversation; empty when there are several."""
    speakers = {_speaker(message) for message in _spoken(messages)}
    return speakers.pop() if len(speakers) == 1 else ""


def _spoken(messages: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for message in messages:
        if message["role"] in SPEAKING_ROLES and is_visible(message["content"] or ""):
            yield message


def _speaker(message: Mapping[str, Any]) -> str:
    return " ".join((message.get("name") or message["role"]).split())


def _indent(content: str) -> str:
    return "\n  ".join(content.strip().splitlines())
