"""What was recalled is marked, and taken out of what is captured."""

import json

import pytest

ID = "6d80dc2e-887c-48fb-ab74-97c18f1ac0ee"
LINE = f"- [{ID}] 2026-01-31: My bicycle is a green Brompton"
TURN = f"- [{ID}] 2026-01-31, Ana: user: Where is the spare key? assistant: Under the blue pot. Ok!"
TEXT = f"<memories>\nWhat is stored.\n\nFacts:\n{LINE}\n{TURN}\n</memories>"

REPEATED = {
    LINE: "",
    f"Here:\n{LINE}\nThat is all.": "Here:\nThat is all.",
    "You have it noted: My bicycle is a green Brompton. Nice!": "You have it noted: . Nice!",
    "My bicycle\n is a green   Brompton": "",
    "* My bicycle is a green Brompton\nShall I go on?": "Shall I go on?",
    "You asked: Where is the spare key?": "You asked:",
    "<openmemory-recall>\nanything at all\n</openmemory-recall>\nYes.": "Yes.",
    "Yes. <openmemory-recall>\nwithout an end": "Yes.",
    "<memories>\nas the tool gives it\n</memories> Done.": "Done.",
    "Your bike is green.": "Your bike is green.",
}


@pytest.mark.parametrize("answer", REPEATED)
def test_what_was_recalled_is_taken_out_of_an_answer(program, answer):
    recalled = program.list_recalled(TEXT)

    assert program.take_out_recalled(answer, recalled) == REPEATED[answer]


def test_an_escaped_character_is_recognized(program):
    recalled = program.list_recalled(f"- [{ID}] 2026-01-31: The tag is &lt;section> here")

    assert program.take_out_recalled("The tag is <section> here", recalled) == ""


SHOWN = json.dumps({"memories": [{"id": ID, "text": "My bicycle is a green Brompton"}]})
CONTEXT = json.dumps({"text": TEXT, "memories": [ID], "tokens": 40})


def in_content(text):
    return {"content": [{"type": "text", "text": text}], "isError": False}


@pytest.mark.parametrize(
    ("client", "name", "result"),
    [
        ("claude-code", "mcp__plugin_openmemory_openmemory__search_memories",
         {"tool_response": in_content(SHOWN)["content"]}),
        ("claude-code", "mcp__plugin_openmemory_openmemory__recall_context",
         {"tool_response": CONTEXT}),
        ("codex", "mcp__openmemory__search_memories",
         {"tool_response": {**in_content("1 memory"), "structuredContent": json.loads(SHOWN)}}),
        ("cursor", "recall_context", {"result_json": json.dumps(in_content(CONTEXT))}),
    ],
)  # fmt: skip
def test_what_an_agent_looks_up_itself_is_not_captured(program, home, client, name, result):
    home.set()
    event = {"session_id": "one", "cwd": str(home.project)}
    start, shown = "UserPromptSubmit", "PostToolUse"
    if client == "cursor":
        start, shown = "beforeSubmitPrompt", "afterMCPExecution"
    answer = "My bicycle is a green Brompton, you said. Shall I go on?"

    program.recall(client, {**event, "hook_event_name": start, "prompt": "Which is mine?"})
    program.recall(client, {**event, "hook_event_name": shown, "tool_name": name, **result})
    program.capture(client, {**event, "hook_event_name": "Stop", "last_assistant_message": answer})

    (turn,) = home.queue()
    assert turn["messages"][1]["content"] == ", you said. Shall I go on?"


def test_what_another_tool_shows_is_captured(program, home):
    home.set()
    event = {"hook_event_name": "PostToolUse", "session_id": "one", "cwd": str(home.project)}

    program.recall("codex", {**event, "tool_name": "mcp__github__search", "tool_response": SHOWN})
    program.recall("codex", {**event, "tool_name": "mcp__openmemory__x", "tool_response": None})

    assert not home.state.exists()


def test_a_memory_cannot_end_the_mark(program):
    marked = program.mark_recalled(f"a {program.CLOSING} b")

    assert marked.count(program.CLOSING) == 1
    assert marked.endswith(program.CLOSING)


def test_a_user_may_say_again_what_is_remembered(program, home):
    home.set()
    setup = program.load_setup("claude-code", str(home.project))
    session = {"recalled": program.list_recalled(TEXT)}
    event = {"session_id": "one"}

    program.begin_turn(session, event, setup, "My bicycle is a green Brompton")
    program.queue_turn(session, event, setup, "My bicycle is a green Brompton")

    (turn,) = home.queue()
    assert turn["messages"] == [{"role": "user", "content": "My bicycle is a green Brompton"}]
