"""ChatGPT: the ZIP of its data export, or one of its files of conversations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from importers.source import Part, Record
from importers.source_file import SourceFile
from importers.text_pieces import Entry, read_entry
from importers.values import as_dict, as_list, as_moment, as_text, digest, present, texts

# Large exports have several, with numbers.
_CONVERSATIONS = r"conversations(-\d+)?\.json"

_SPOKEN = {"text", "multimodal_text"}
# What the person told ChatGPT about themselves, and what ChatGPT has noted.
_INSTRUCTIONS = ("user_profile", "user_instructions")
_NOTES = ("model_set_context", "structured_context")


class ChatGPT:
    name: ClassVar = "chatgpt"
    title: ClassVar = "ChatGPT"
    files: ClassVar = "the ZIP of the data export, or its conversations.json"

    def detects(self, file: SourceFile) -> bool:
        names = file.find(_CONVERSATIONS)
        return bool(names) and "mapping" in as_dict(file.peek(names[0]))

    def read(self, file: SourceFile) -> Iterator[Record]:
        names = file.find(_CONVERSATIONS)
        if not names or not self.detects(file):
            file.refuse("This is no export of ChatGPT: no conversations are in it.")
        for name in names:
            for item in file.values(name):
                yield from _read_conversation(as_dict(item.value), f"{name}, line {item.line}")


def _read_conversation(conversation: dict[str, Any], place: str) -> Iterator[Record]:
    nodes = {pk: as_dict(node) for pk, node in as_dict(conversation.get("mapping")).items()}
    pk = as_text(conversation.get("conversation_id")) or as_text(conversation.get("id"))
    for each in nodes.values():
        yield from _read_memories(as_dict(each.get("message")), place)
    title = as_text(conversation.get("title"))
    for node in _find_branch(nodes, conversation.get("current_node")):
        message = as_dict(nodes[node].get("message"))
        role = as_text(as_dict(message.get("author")).get("role"))
        text = _text_of(message)
        if text and role in ("user", "assistant") and _is_shown(message):
            yield Record(
                text,
                as_text(message.get("id")) or digest(pk, node),
                created_at=as_moment(message.get("create_time"))
                or as_moment(conversation.get("create_time")),
                metadata=present(title=title),
                actor=role,
                conversation=pk or digest(title, place),
                part=Part.MESSAGE if role == "user" else Part.ANSWER,
                place=place,
            )


def _find_branch(nodes: dict[str, dict[str, Any]], current: Any) -> list[str]:
    """The messages that are shown, the first first: a branch of a tree, which edits divide."""
    if not isinstance(current, str) or current not in nodes:
        leaves = [pk for pk, node in nodes.items() if not as_list(node.get("children"))]
        current = leaves[-1] if leaves else None
    branch: list[str] = []
    seen: set[str] = set()
    while isinstance(current, str) and current in nodes and current not in seen:
        seen.add(current)
        branch.append(current)
        current = nodes[current].get("parent")
    return branch[::-1]


def _is_shown(message: dict[str, Any]) -> bool:
    """Whether a message is for the reader, not for a tool."""
    hidden = as_dict(message.get("metadata")).get("is_visually_hidden_from_conversation")
    return not hidden and message.get("recipient") in (None, "", "all")


def _text_of(message: dict[str, Any]) -> str:
    content = as_dict(message.get("content"))
    if content.get("content_type") not in _SPOKEN:
        return ""
    parts = as_list(content.get("parts"))
    # A part with a type is a picture, or speech with its transcript.
    spoken = [
        part if isinstance(part, str) else as_text(as_dict(part).get("text")) for part in parts
    ]
    return "\n".join(part for part in spoken if part)


def _read_memories(message: dict[str, Any], place: str) -> Iterator[Record]:
    """What ChatGPT has remembered: its calls of the tool `bio`, and lists in its instructions."""
    content = as_dict(message.get("content"))
    said_at = as_moment(message.get("create_time"))
    notes = [*texts(content.get("parts"))] if message.get("recipient") == "bio" else []
    for name in _NOTES:
        notes += as_text(content.get(name)).split("\n")
    entries = [("memory", read_entry(note)) for note in notes]
    entries += [
        ("custom instructions", Entry(as_text(content.get(name)))) for name in _INSTRUCTIONS
    ]
    for origin, entry in entries:
        if entry.text.strip():
            yield Record(
                entry.text,
                digest("memory", entry.text.strip()),
                created_at=entry.said_at or said_at,
                metadata={"from": origin},
                place=place,
            )
