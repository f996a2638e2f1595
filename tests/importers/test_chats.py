"""Exports of ChatGPT and Claude: conversations, and what they remember."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime

import pytest
from django.db import connection

from backups.archive.errors import BadArchive
from importers.source import Part
from importers.source_file import WrongSource
from memories.models import LogLine, Memory

from . import exports
from .exports import importing

pytestmark = pytest.mark.django_db


def texts(member, **fields):
    return set(Memory.objects.filter(user=member.user, **fields).values_list("content", flat=True))


def test_chatgpt_brings_the_shown_branch_and_what_it_remembers(alice):
    result = importing(alice, exports.chatgpt()).run()

    assert result["memories_created"] == 4
    assert result["parts"] == {"memory": 2, "message": 1, "answer": 1}
    assert texts(alice) == {
        "I am a baker",
        "Moves to Lisbon in May",
        "Where is the best pastel de nata?",
        "In Belém.",
    }
    question = Memory.objects.get(content__startswith="Where")
    assert question.created_at == datetime.fromtimestamp(1700000002.25, UTC)
    assert (question.actor, question.conversation) == ("user", "c-1")
    assert question.metadata == {"title": "Lisbon"}
    assert question.app.name == "chatgpt"
    assert texts(alice, actor="assistant") == {"In Belém."}
    noted = Memory.objects.get(content__startswith="Moves")
    assert noted.metadata == {"from": "memory"}
    assert noted.created_at == datetime.fromtimestamp(1700000003, UTC)


def test_chatgpt_in_several_files_without_a_current_message(alice):
    [conversation] = copy.deepcopy(exports.CHATGPT)
    del conversation["current_node"]
    conversation["mapping"]["n4"]["parent"] = "n4"  # a circle ends
    other = {"id": "c-2", "mapping": {"a": {"message": None, "children": []}, "b": 1}}
    members = {
        "x/conversations-000.json": json.dumps([conversation]),
        "x/conversations-001.json": json.dumps([other, None, 5]),
    }

    importing(alice, exports.zipped(members), source="chatgpt").run()

    assert "In Belém." in texts(alice)


def test_notes_in_the_instructions_have_their_dates_and_come_once(alice):
    [conversation] = copy.deepcopy(exports.CHATGPT)
    conversation["mapping"]["root"]["message"] = {
        "author": {"role": "system"},
        "content": {
            "content_type": "model_editable_context",
            "model_set_context": "1. [2025-05-02]. Likes tea\n\n"
            "2. [2025-06-01]. Moves to Lisbon in May",
        },
    }

    result = importing(alice, json.dumps([conversation]).encode(), "conversations.json").run()

    assert result["repeated"] == 1
    tea = Memory.objects.get(content="Likes tea")
    assert tea.created_at == datetime(2025, 5, 2, tzinfo=UTC)


def test_claude_brings_conversations_memories_and_projects(alice):
    result = importing(alice, exports.claude()).run()

    assert result["source"] == "claude"
    assert texts(alice, actor="user") == {"Which knot holds a boat?"}
    assert texts(alice, actor="assistant") == {"The cleat hitch."}
    assert texts(alice, actor="") == {
        "Mira repairs boats in Kiel.",
        "- Has two cats\n- Sails on Sundays",
        "The mast is from 1962.",
        "Restore the mast",
        "Spruce, 9 m.",
    }
    boats = Memory.objects.get(content__contains="Kiel")
    assert boats.metadata == {"section": "Work context", "from": "memory"}
    mast = Memory.objects.get(content__contains="1962")
    assert mast.metadata == {"project": "Old mast", "from": "memory"}
    asked = Memory.objects.get(actor="user")
    assert asked.created_at == datetime(2026, 2, 14, 10, 4, 22, 500000, tzinfo=UTC)
    assert asked.conversation == exports.CLAUDE_CONVERSATIONS[0]["uuid"]


@pytest.mark.parametrize(
    ("value", "number"), [(exports.CLAUDE_CONVERSATIONS, 2), (exports.CLAUDE_MEMORIES[0], 3)]
)
def test_one_file_of_claude_alone_is_enough(alice, value, number):
    result = importing(alice, json.dumps(value).encode(), "download.json").run()

    assert (result["source"], result["memories_created"]) == ("claude", number)


@pytest.mark.parametrize("export", [exports.chatgpt, exports.claude, exports.graph])
def test_dry_and_twice_change_nothing(alice, bob, export):
    tried = importing(alice, export()).try_out()
    assert not Memory.objects.exists()
    done = importing(alice, export()).run()
    assert done["memories_created"] == tried["memories_created"] > 0
    before = sorted(Memory.objects.values_list("pk", "updated_at", "version"))

    again = importing(alice, export()).run()

    assert again["memories_created"] == 0
    assert again["memories_unchanged"] == tried["memories_created"]
    assert sorted(Memory.objects.values_list("pk", "updated_at", "version")) == before
    assert importing(bob, export()).run()["memories_created"] == tried["memories_created"]


def test_what_was_deleted_here_does_not_come_back(alice):
    importing(alice, exports.graph()).run()
    gone = Memory.objects.get(content="Ana: Likes tea")
    alice.delete(f"/memories/{gone.pk}")

    assert importing(alice, exports.graph()).run()["memories_created"] == 0


def test_the_log_names_an_import_so_that_it_can_be_taken_back(alice):
    work = importing(alice, exports.graph())
    work.run()
    connection.check_constraints()  # which writes the lines

    assert LogLine.objects.filter(run=work.run_id).values("memory_id").distinct().count() == 4


def test_parts_can_be_left_out(alice):
    result = importing(alice, exports.chatgpt(), leave_out=[Part.MESSAGE, Part.ANSWER]).run()

    assert (result["memories_created"], result["left_out"]) == (2, 2)


def test_a_conversation_that_goes_on_brings_its_new_messages(alice):
    importing(alice, json.dumps(exports.CLAUDE_CONVERSATIONS).encode()).run()
    longer = copy.deepcopy(exports.CLAUDE_CONVERSATIONS)
    longer[0]["chat_messages"].append({"uuid": "m3", "text": "Thanks", "sender": "human"})

    result = importing(alice, json.dumps(longer).encode()).run()

    assert (result["memories_created"], result["memories_unchanged"]) == (1, 2)


def test_the_graph_of_mcp(alice):
    importing(alice, exports.graph(), "memory.jsonl").run()

    assert texts(alice) == {
        "Ana: Likes tea",
        "Ana has a dog",
        "Rex (dog)",
        "Ana takes care of Rex",
    }
    tea = Memory.objects.get(content="Ana: Likes tea")
    assert tea.metadata == {"entity": "Ana", "entity_type": "person"}
    assert (tea.actor, tea.app.name) == ("", "mcp-memory")


def test_the_answer_of_the_graphs_tool(alice):
    answer = {
        "entities": [each for each in exports.GRAPH if each["type"] == "entity"],
        "relations": [each for each in exports.GRAPH if each["type"] == "relation"],
    }

    assert importing(alice, json.dumps(answer).encode()).run()["memories_created"] == 4


@pytest.mark.parametrize("source", ["chatgpt", "claude", "mcp-memory"])
@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"[1]", b"hello", b'{"type": 5}', b"[[[["])
def test_a_file_of_something_else_is_refused(alice, source, content):
    with pytest.raises((WrongSource, BadArchive)):
        importing(alice, content, source=source).run()


def test_a_long_answer_is_divided(alice):
    longer = copy.deepcopy(exports.CLAUDE_CONVERSATIONS)
    paragraphs = [f"Paragraph {number} " + "ä" * 500 for number in range(40)]
    longer[0]["chat_messages"][1]["content"] = [{"type": "text", "text": "\n\n".join(paragraphs)}]

    importing(alice, json.dumps(longer).encode()).run()

    answers = Memory.objects.filter(actor="assistant")
    assert answers.count() > 4
    assert all(len(each.content.encode()) <= 8192 for each in answers)
    joined = "\n\n".join(
        each.content
        for each in sorted(answers, key=lambda each: int(each.metadata["piece"].split()[0]))
    )
    assert joined == "\n\n".join(paragraphs)
