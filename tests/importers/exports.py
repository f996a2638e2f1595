"""Files as other products write them, made by hand."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from importers.import_records import Import

CHATGPT: list[dict[str, Any]] = [
    {
        "title": "Lisbon",
        "create_time": 1700000000.5,
        "update_time": 1700000100.0,
        "conversation_id": "c-1",
        "current_node": "n4",
        "mapping": {
            "root": {"id": "root", "message": None, "parent": None, "children": ["n0"]},
            "n0": {
                "id": "n0",
                "parent": "root",
                "children": ["n1", "old"],
                "message": {
                    "id": "m0",
                    "author": {"role": "user"},
                    "create_time": None,
                    "content": {
                        "content_type": "user_editable_context",
                        "user_profile": "I am a baker",
                        "user_instructions": "",
                    },
                    "metadata": {"is_visually_hidden_from_conversation": True},
                },
            },
            "old": {
                "id": "old",
                "parent": "n0",
                "children": [],
                "message": {
                    "id": "m-old",
                    "author": {"role": "user"},
                    "create_time": 1700000001,
                    "content": {"content_type": "text", "parts": ["A question that was edited"]},
                },
            },
            "n1": {
                "id": "n1",
                "parent": "n0",
                "children": ["n2"],
                "message": {
                    "id": "m1",
                    "author": {"role": "user"},
                    "create_time": 1700000002.25,
                    "content": {
                        "content_type": "multimodal_text",
                        "parts": [
                            {"content_type": "image_asset_pointer"},
                            "Where is the best pastel de nata?",
                        ],
                    },
                    "recipient": "all",
                },
            },
            "n2": {
                "id": "n2",
                "parent": "n1",
                "children": ["n3"],
                "message": {
                    "id": "m2",
                    "author": {"role": "assistant"},
                    "create_time": 1700000003,
                    "content": {"content_type": "text", "parts": ["Moves to Lisbon in May"]},
                    "recipient": "bio",
                },
            },
            "n3": {
                "id": "n3",
                "parent": "n2",
                "children": ["n4"],
                "message": {
                    "id": "m3",
                    "author": {"role": "tool", "name": "bio"},
                    "content": {"content_type": "text", "parts": ["Model set context updated."]},
                },
            },
            "n4": {
                "id": "n4",
                "parent": "n3",
                "children": [],
                "message": {
                    "id": "m4",
                    "author": {"role": "assistant"},
                    "create_time": 1700000004,
                    "content": {"content_type": "text", "parts": ["In Belém."]},
                    "recipient": "all",
                },
            },
        },
    },
]

CLAUDE_CONVERSATIONS: list[dict[str, Any]] = [
    {
        "uuid": "8f3a2b1c-0000-4000-8000-000000000001",
        "name": "Knots",
        "created_at": "2026-02-14T10:04:22.000000Z",
        "updated_at": "2026-02-14T10:22:41.000000Z",
        "account": {"uuid": "acc"},
        "chat_messages": [
            {
                "uuid": "8f3a2b1c-0000-4000-8000-00000000000a",
                "text": "Which knot holds a boat?",
                "content": [{"type": "text", "text": "Which knot holds a boat?"}],
                "sender": "human",
                "created_at": "2026-02-14T10:04:22.500000Z",
                "attachments": [],
                "files": [],
            },
            {
                "uuid": "8f3a2b1c-0000-4000-8000-00000000000b",
                "text": "This block is not supported on your current device yet.",
                "content": [
                    {"type": "thinking", "thinking": "secret"},
                    {"type": "text", "text": "The cleat hitch."},
                ],
                "sender": "assistant",
                "created_at": "2026-02-14T10:05:00+00:00",
            },
        ],
    },
]
CLAUDE_MEMORIES = [
    {
        "conversations_memory": "**Work context**\n\nMira repairs boats in Kiel.\n\n"
        "**Personal**\n- Has two cats\n- Sails on Sundays",
        "project_memories": {"p-1": "The mast is from 1962."},
        "account_uuid": "acc",
    }
]
CLAUDE_PROJECTS = [
    {
        "uuid": "p-1",
        "name": "Old mast",
        "description": "Restore the mast",
        "prompt_template": "",
        "docs": [{"uuid": "d-1", "filename": "wood.md", "content": "Spruce, 9 m."}],
        "created_at": "2026-01-01T00:00:00Z",
    }
]

GRAPH = [
    {
        "type": "entity",
        "name": "Ana",
        "entityType": "person",
        "observations": ["Likes tea", "Ana has a dog"],
    },
    {"type": "entity", "name": "Rex", "entityType": "dog", "observations": []},
    {"type": "relation", "from": "Ana", "to": "Rex", "relationType": "takes_care_of"},
]


def chatgpt() -> bytes:
    members = {
        "conversations.json": json.dumps(CHATGPT),
        "user.json": '{"email": "a@example.org"}',
        "chat.html": "<html>",
    }
    return zipped(members)


def claude() -> bytes:
    members = {
        "data/conversations.json": CLAUDE_CONVERSATIONS,
        "data/memories.json": CLAUDE_MEMORIES,
        "data/projects.json": CLAUDE_PROJECTS,
        "data/users.json": [{"uuid": "acc", "full_name": "Mira"}],
    }
    return zipped({name: json.dumps(value) for name, value in members.items()})


def graph() -> bytes:
    return ("\n".join(map(json.dumps, GRAPH)) + "\n").encode()


def zipped(members: dict[str, str | bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return target.getvalue()


def importing(
    member: Any, content: bytes, name: str = "file", *, source: str = "auto", **more: Any
):
    """An import of a file into a member's memories."""
    return Import(io.BytesIO(content), name, source, member.user, by=member.user, **more)
