"""Turns, sessions and the queue, without a server."""

import json
import time

import pytest


@pytest.fixture
def turn(program, home):
    """Take a turn in this process."""
    home.set()

    def take(prompt=None, answer=None, end="Stop", **event):
        event = {"session_id": "one", "cwd": str(home.project), **event}
        if prompt is not None:
            event["hook_event_name"] = "UserPromptSubmit"
            program.recall("claude-code", {**event, "prompt": prompt})
        if answer is not None or end == "SessionEnd":
            event.update(hook_event_name=end, last_assistant_message=answer)
            program.capture("claude-code", event)
        return [[message["content"] for message in item["messages"]] for item in home.queue()]

    return take


def test_an_interrupted_turn_is_captured_with_the_next_one(turn):
    turn("First thing")
    assert turn("Second thing", "Done.") == [["First thing"], ["Second thing", "Done."]]


def test_the_end_of_a_conversation_captures_a_prompt_without_an_answer(turn):
    turn("First thing")

    assert turn(end="SessionEnd") == [["First thing"]]
    assert turn(end="SessionEnd") == [["First thing"]]


def test_all_messages_of_an_answer_are_captured_of_which_cursor_tells_one_by_one(program, home):
    home.set()
    event = {"conversation_id": "one", "workspace_roots": [str(home.project)]}
    password = "My password is " + "hunter2"

    def call(hook, name, **more):
        hook("cursor", {**event, "hook_event_name": name, **more})

    call(program.recall, "beforeSubmitPrompt", prompt="First thing")
    for text in ("I look.", f"Found it. {password}"):
        call(program.capture, "afterAgentResponse", text=text)
    (session,) = (home.state / "sessions").iterdir()
    kept = session.read_text()
    call(program.capture, "stop", status="completed")
    call(program.recall, "beforeSubmitPrompt", prompt="Second thing")
    call(program.capture, "afterAgentResponse", text="Interrupted.")
    call(program.recall, "beforeSubmitPrompt", prompt="Third thing")

    assert "hunter2" not in kept
    said = [[message["content"] for message in turn["messages"]] for turn in home.queue()]
    assert said == [
        ["First thing", "I look.\nFound it. My password is [withheld]"],
        ["Second thing", "Interrupted."],
    ]


def test_two_equal_turns_are_two(turn):
    turn("Go on", "Done.")
    assert turn("Go on", "Done.") == [["Go on", "Done."]] * 2


@pytest.mark.parametrize(
    "prompt", ["/remember I like tea", "/openmemory:forget tea", "$recall tea", " @forget tea"]
)
def test_the_own_commands_are_not_captured(turn, prompt):
    assert turn(prompt, "Tea is stored.") == []


@pytest.mark.parametrize("prompt", ["", " \n", "<openmemory-recall>x</openmemory-recall>"])
def test_a_prompt_without_words_is_not_captured(turn, prompt):
    assert turn(prompt, "") == []


def test_a_long_turn_is_shortened_in_its_middle(turn):
    ((prompt, answer),) = turn("a b" * 10_000 + "end", "c d" * 10_000 + "end")

    assert len(prompt) <= 8_000
    assert len(answer) <= 16_000
    assert prompt.endswith("end")
    assert " […] " in answer


def test_a_full_queue_drops_the_oldest_and_the_status_counts_them(turn, program, home, monkeypatch):
    monkeypatch.setattr(program, "MAX_QUEUE", 3)
    for number in range(5):
        turn(f"Thing {number}", "Done.")

    assert [item["messages"][0]["content"] for item in home.queue()] == [
        "Thing 2", "Thing 3", "Thing 4",
    ]  # fmt: skip
    assert home.status()["dropped"] == 2


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"turn": 7}', '{"turn": {}}'])
def test_a_broken_session_or_queue_stops_nothing(turn, program, home, content):
    turn("First thing", "Done.")
    for path in [*(home.state / "sessions").iterdir(), *(home.state / "queue").iterdir()]:
        path.write_text(content)

    home.call("recall", "UserPromptSubmit", prompt="Second thing")
    home.call("capture", "Stop", last_assistant_message="Done.")
    home.run("flush")

    assert [item["messages"][0]["content"] for item in home.queue()] == ["Second thing"]


@pytest.mark.parametrize("stdin", ["", "{", "[1]", "null", '{"prompt": 5}', '{"cwd": "\\u0000"}'])
@pytest.mark.parametrize("command", ["recall", "capture"])
def test_a_hook_never_fails(home, command, stdin):
    home.set()

    done = home.run(command, "--client", "codex", stdin=stdin)

    assert (done.returncode, done.stderr) == (0, "")


def test_a_prompt_that_is_never_answered_is_sent_a_day_later(turn, program, home):
    turn("First thing")
    (path,) = (home.state / "sessions").iterdir()
    program.close_old_sessions()
    assert home.queue() == []

    import os

    day_before = time.time() - 90_000
    os.utime(path, (day_before, day_before))
    program.close_old_sessions()

    assert [item["messages"][0]["content"] for item in home.queue()] == ["First thing"]


def test_forgotten_sessions_are_removed(turn, program, home):
    import os

    turn("First thing", "Done.")
    (path,) = (home.state / "sessions").iterdir()
    week_before = time.time() - 8 * 86_400
    os.utime(path, (week_before, week_before))

    program.close_old_sessions()

    assert list((home.state / "sessions").iterdir()) == []


def test_a_late_recall_is_left_out_and_counted(program, home, turn):
    home.set(recall_ms=50)

    turn("First thing", "Done.")

    assert program.within(0, lambda: time.sleep(1) or "late") is None
    assert home.status()["late"] in (0, 1)  # nobody listens, which is known at once


def test_a_turn_is_read_from_a_transcript_where_no_hook_ran_before_it(turn, home):
    lines = [
        {"type": "user", "uuid": "u0", "isMeta": True, "message": {"role": "user", "content": "x"}},
        {"type": "user", "uuid": "u1", "message": {"role": "user", "content": "My dog is Rex"}},
        {
            "type": "assistant",
            "uuid": "a1",
            "message": {"role": "assistant", "content": [{"type": "text", "text": "Hello Rex."}]},
        },
    ]
    path = home.folder / "transcript.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))

    for _ in range(2):
        found = turn(answer="", transcript_path=str(path))

    assert found == [["My dog is Rex", "Hello Rex."]]
