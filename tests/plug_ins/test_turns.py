"""Turns of an agent, with a server as `make run` starts it."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.deadline import SECONDS, eventually


class Account:
    def __init__(self, server):
        self.user_id = f"coder-{uuid.uuid4().hex[:8]}"
        self.key = server.call("POST", "/users", json={"user_id": self.user_id})["api_key"]
        self.url = server.url

    def call(self, method, path, **body):
        answer = requests.request(
            method,
            f"{self.url}/api/v1{path}",
            json=body or None,
            headers={"Authorization": f"Bearer {self.key}"},
            timeout=SECONDS,
        )
        answer.raise_for_status()
        return answer.json()

    def texts(self):
        return [item["content"] for item in self.call("GET", "/memories?size=100")["items"]]


@pytest.fixture
def account(shared_server, home):
    account = Account(shared_server)
    home.set(server=account.url, key=account.key)
    return account


def recalled_in(reply, client="claude-code"):
    if client == "cursor":
        return reply["additional_context"]
    return reply["hookSpecificOutput"]["additionalContext"]


@pytest.mark.parametrize(
    ("client", "start", "prompt", "end"),
    [
        ("claude-code", "SessionStart", "UserPromptSubmit", "Stop"),
        ("codex", "SessionStart", "UserPromptSubmit", "Stop"),
        ("cursor", "sessionStart", "beforeSubmitPrompt", "stop"),
    ],
)
def test_a_turn_is_given_what_is_known_and_remembered(account, home, client, start, prompt, end):
    account.call("POST", "/memories", text="My bicycle is a green Brompton")
    said = {"last_assistant_message": "It is a Brompton, and red"}

    first = home.call("recall", start, client)
    second = home.call("recall", prompt, client, prompt="Which bicycle is mine?")
    if client == "cursor":
        home.call("capture", "afterAgentResponse", client, text=said.popitem()[1])
    home.call("capture", end, client, **said)

    for reply in (first, second):
        text = recalled_in(reply, client)
        assert text.startswith("<openmemory-recall>\n<memories>")
        assert "My bicycle is a green Brompton" in text
    assert eventually(home.is_sent)
    turn = "user: Which bicycle is mine?\nassistant: It is a Brompton, and red"
    assert turn in account.texts()
    (memory,) = account.call("POST", "/memories/filter", metadata={"client": client})["items"]
    assert memory["conversation"] == f"{client}-one"
    assert eventually(lambda: home.status()["sent"] == 1)


def test_nothing_recalled_is_captured(account, home):
    account.call("POST", "/memories", text="My bicycle is a green Brompton")

    text = recalled_in(home.call("recall", "UserPromptSubmit", prompt="Which bicycle is mine?"))
    answer = f"I was told:\n{text}\nSo: My bicycle is a green Brompton. Anything else?"
    home.call("capture", "Stop", last_assistant_message=answer)

    assert eventually(home.is_sent)
    (turn,) = (text for text in account.texts() if text.startswith("user: "))
    assert "Anything else?" in turn
    assert "Brompton" not in turn


def test_a_turn_is_captured_once_however_often_its_hook_is_called(account, home):
    home.call("recall", "UserPromptSubmit", prompt="I moved to Ghent in May")
    for _ in range(3):
        home.call("capture", "Stop", last_assistant_message="Noted, Ghent.")
    home.call("capture", "SessionEnd")

    assert eventually(home.is_sent)
    assert account.texts() == ["user: I moved to Ghent in May\nassistant: Noted, Ghent."]


def test_a_turn_whose_acknowledgement_was_lost_is_sent_again_and_stored_once(account, home):
    home.set(server=account.url, key=account.key)
    home.call("recall", "UserPromptSubmit", prompt="I moved to Ghent in May")
    home.set()  # a port that nobody listens on
    home.call("capture", "Stop", last_assistant_message="Noted.")
    (queued,) = (home.state / "queue").glob("*.json")
    before = queued.read_bytes()

    for tried_at in (None, 1.0):  # just now, and too long ago for the idempotency key
        home.set(server=account.url, key=account.key)
        item = json.loads(before)
        queued.write_text(json.dumps(item if tried_at is None else {**item, "tried_at": tried_at}))
        assert home.run("flush").returncode == 0
        queued.write_bytes(before)
        assert home.run("flush").returncode == 0

    assert len(account.texts()) == 1


def test_a_server_that_is_down_is_a_normal_turn_and_gets_it_later(account, home):
    home.set()  # a port that nobody listens on
    assert home.call("recall", "SessionStart") is None
    assert home.call("recall", "UserPromptSubmit", prompt="I moved to Ghent") is None
    assert home.call("capture", "Stop", last_assistant_message="Noted.") is None
    assert eventually(lambda: "gives no answer" in home.status()["problem"])
    assert home.status()["waiting"] == 1

    home.set(server=account.url, key=account.key)

    home.run("flush")
    assert eventually(home.is_sent)
    assert account.texts() == ["user: I moved to Ghent\nassistant: Noted."]


def test_programs_at_once_each_send_what_they_captured(account, home):
    def take_turn(number):
        session = f"session-{number}"
        home.call("recall", "UserPromptSubmit", prompt=f"Fact {number}", session_id=session)
        home.call("capture", "Stop", last_assistant_message="Well.", session_id=session)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(take_turn, range(8)))
    assert eventually(home.is_sent)

    assert sorted(account.texts()) == [f"user: Fact {n}\nassistant: Well." for n in range(8)]
    assert home.status()["captured"] == 8


def test_turns_survive_a_server_that_is_killed(account, home, shared_server):
    for number in range(6):
        if number in (1, 4):
            shared_server.child("server.all_in_one").kill()
        home.call("recall", "UserPromptSubmit", prompt=f"Step {number}: what do you know of it?")
        home.call("capture", "Stop", last_assistant_message=f"This is answer {number}.")

    assert eventually(lambda: home.run("flush").returncode == 0)
    assert home.is_sent()
    assert sorted(account.texts()) == [
        f"user: Step {n}: what do you know of it?\nassistant: This is answer {n}." for n in range(6)
    ]


def test_an_app_that_the_key_may_not_use_waits_and_the_status_says_so(account, home):
    bound = account.call("POST", "/keys", name="bound", app="claude-code")
    home.set(server=account.url, key=bound["api_key"])
    home.set_project(app="elsewhere")

    home.call("recall", "UserPromptSubmit", prompt="I moved to Ghent")
    home.call("capture", "Stop", last_assistant_message="Noted.")
    home.run("flush")

    assert "bound to the app 'claude-code'" in home.status()["problem"]
    assert home.status()["waiting"] == 1


def test_what_the_server_never_takes_is_put_aside(account, home):
    home.set_project(app="\u200b")  # a name without a character that can be seen

    home.call("recall", "UserPromptSubmit", prompt="I moved to Ghent")
    home.call("capture", "Stop", last_assistant_message="Noted.")
    home.run("flush")

    assert home.status()["refused"] == 1
    assert home.status()["waiting"] == 0
    assert len(list((home.state / "refused").iterdir())) == 1
