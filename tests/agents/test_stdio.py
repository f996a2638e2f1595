"""A process that speaks over standard input and output, with no server beside it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from tests.deadline import SECONDS
from tests.server.processes import Server

pytestmark = pytest.mark.slow


HELLO = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "1"},
}


class Process:
    def __init__(self, server, *arguments):
        self._ids = 0
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "mcp_stdio", *arguments],
            cwd=settings.BASE_DIR,
            env=server.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ask(self, method, params):
        self._ids += 1
        message = {"jsonrpc": "2.0", "id": self._ids, "method": method, "params": params}
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())["result"]

    def call(self, tool, **arguments):
        return self.ask("tools/call", {"name": tool, "arguments": arguments})


@pytest.fixture
def stopped(tmp_path):
    """A server that has run once, and runs no more."""
    server = Server(tmp_path / "var")
    try:
        server.start()
        server.end(2)
        yield server
    finally:
        server.kill_everything()


def test_it_works_while_no_server_runs_and_lets_one_start_meanwhile(stopped):
    agent = Process(stopped, "--user", "alice", "--app", "desk")
    agent.ask("initialize", HELLO)
    added = agent.call("add_memory", text="Our dog Rex is afraid of thunder")

    stopped.start()  # waits until the process lets go of the database
    listed = stopped.get("/api/v1/memories").json()["items"]
    found = agent.call("search_memories", query="What scares the dog?")
    rest, _ = agent.process.communicate(timeout=SECONDS)

    assert not added["isError"]
    assert [memory["app_name"] for memory in listed] == ["desk"]
    assert [memory["id"] for memory in found["structuredContent"]["memories"]] == [listed[0]["id"]]
    assert rest == ""
    assert agent.process.returncode == 0


def test_a_user_who_is_not_there_is_named_and_nothing_is_said_in_the_protocol(shared_server):
    agent = Process(shared_server, "--user", "nobody")

    said, why = agent.process.communicate(timeout=SECONDS)

    assert said == ""
    assert "There is no user 'nobody'" in why
    assert agent.process.returncode == 1


@pytest.mark.parametrize("app", ["", " ", "x" * 256])
def test_an_app_has_a_name_of_some_length_or_is_left_out(app):
    with pytest.raises(CommandError, match="1 to 255 characters"):
        call_command("mcp_stdio", "--user", "alice", "--app", app)
