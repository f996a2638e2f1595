"""What clients are told to be pasted, in the documentation and by `manage.py mcp_config`."""

from __future__ import annotations

import json
import shlex
import sys
import tomllib
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import ApiKey
from agents.clients import CLIENTS, ENVIRONMENT, Access
from tests import fences
from tests.agents.agent import Agent

GUIDE = Path(settings.BASE_DIR) / "docs" / "agents.md"

HTTP = [name for name, client in CLIENTS.items() if client.needs_key]


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)


def printed(client, *arguments):
    output = StringIO()
    call_command("mcp_config", client, *arguments, stdout=output, stderr=StringIO())
    return output.getvalue()


def told(client, text):
    """What a client is told, as it reads it."""
    if client == "claude-code":
        return shlex.split(text)
    if client == "codex":
        return tomllib.loads(text)["mcp_servers"]["openmemory"]
    ((_, servers),) = json.loads(text).items()
    return servers["openmemory"]


@pytest.mark.parametrize("name", CLIENTS)
def test_the_guide_shows_what_the_command_prints(name, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/path/to/openmemory/.venv/bin/python")
    monkeypatch.setattr(settings, "BASE_DIR", Path("/path/to/openmemory"))
    client = CLIENTS[name]
    access = Access("http://localhost:8000/mcp", "om_KEY", "alice")

    shown = {block.heading: block.code for block in fences.read(GUIDE)}

    assert shown[client.title].strip() == client.snippet(access)
    assert told(name, client.snippet(access))


@pytest.mark.parametrize("name", HTTP)
@pytest.mark.parametrize("url", ["http://memory.example/", "http://memory.example/mcp"])
def test_a_client_is_given_a_key_of_its_own_that_works(name, url, alice):
    text = printed(name, "--user", "alice", "--url", url)

    assert "http://memory.example/mcp" in text
    assert "/mcp/mcp" not in text
    key = ApiKey.objects.get(app_name=name)
    assert key.user == alice.user
    secret = next(
        word for word in text.replace('"', " ").replace("'", " ").split() if "om_" in word
    )
    assert Agent(secret).call("add_memory", text="Rex").data["app"] == name


def test_only_a_key_that_was_never_used_goes_when_it_is_printed_again(alice):
    keys = ApiKey.objects.filter(user=alice.user, app_name="cursor").order_by("created_at")
    printed("cursor", "--user", "alice")
    keys.update(last_used_at=timezone.now())

    for _ in range(2):
        printed("cursor", "--user", "alice")

    assert [key.revoked_at is None for key in keys] == [True, False, True]


def test_the_desktop_client_starts_a_process_and_needs_no_key(alice):
    asked = told("claude-desktop", printed("claude-desktop", "--user", "alice"))

    assert asked["command"] == sys.executable
    assert asked["args"][1:] == ["mcp_stdio", "--user", "alice", "--app", "claude-desktop"]
    assert Path(asked["args"][0]).is_file()
    assert not ApiKey.objects.filter(app_name="claude-desktop").exists()


def test_nobody_is_given_a_key_for_a_user_that_is_not_there(db):
    with pytest.raises(CommandError, match="There is no user 'nobody'"):
        printed("cursor", "--user", "nobody")


def test_an_unknown_client_is_answered_with_those_that_are_known(db):
    with pytest.raises(CommandError, match="claude-code"):
        printed("notepad")


def test_an_address_that_no_client_can_reach_makes_no_key(alice):
    with pytest.raises(CommandError, match="http://"):
        printed("cursor", "--user", "alice", "--url", "memory.example.org")

    assert ApiKey.objects.count() == 1
