from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from django.core.management import call_command, get_commands, load_command_class

from server import console, start
from server.command_names import COMMANDS, full_name, overview
from server.completion_scripts import SHELLS, _words
from server.console import read_global_options


def test_every_short_name_is_a_command_of_the_server():
    assert {name.full for name in COMMANDS.values()} <= set(get_commands())
    assert all(name.short in overview() for name in COMMANDS.values())


def test_a_full_name_stays_as_it_is():
    assert (full_name("key"), full_name("create_api_key")) == ("create_api_key", "create_api_key")


@pytest.mark.parametrize(
    "arguments", [["--state", "x", "key", "alice"], ["key", "alice", "--state=x"]]
)
def test_the_state_folder_is_named_before_or_after_the_command(monkeypatch, tmp_path, arguments):
    monkeypatch.setenv("OPENMEMORY_STATE_DIR", "elsewhere")
    monkeypatch.chdir(tmp_path)

    assert read_global_options(arguments) == ["key", "alice"]

    assert os.environ["OPENMEMORY_STATE_DIR"] == str(tmp_path / "x")


def test_an_empty_state_folder_is_refused(monkeypatch, capsys):
    monkeypatch.setenv("OPENMEMORY_STATE_DIR", "elsewhere")

    with pytest.raises(SystemExit):
        read_global_options(["--state=", "up"])

    assert "an empty name is no folder" in capsys.readouterr().err


def test_only_the_start_has_a_port(monkeypatch):
    monkeypatch.setenv("PORT", "1")

    assert read_global_options(["fake_llm", "--port", "9"]) == ["fake_llm", "--port", "9"]
    assert read_global_options(["up", "--port", "9"]) == ["up"]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_completes_commands_and_their_options(capsys, shell):
    call_command("completion", shell)

    script = capsys.readouterr().out
    assert all(short in script for short in COMMANDS)
    assert "create-user" in script


def test_bash_takes_the_script(capsys):
    call_command("completion", "bash")
    script = capsys.readouterr().out
    ask = 'COMP_WORDS=(openmemory key --cr); COMP_CWORD=2; _openmemory; echo "${COMPREPLY[@]}"'

    ended = subprocess.run(["bash", "-c", script + ask], capture_output=True, text=True)

    assert (ended.stdout, ended.stderr) == ("--create-user\n", "")
    ask = "COMP_WORDS=(openmemory --state /x key --cr); COMP_CWORD=4; _openmemory; echo $COMPREPLY"
    ended = subprocess.run(["bash", "-c", script + ask], capture_output=True, text=True)
    assert ended.stdout == "--create-user\n"
    ask = "COMP_WORDS=(openmemory service install --po); COMP_CWORD=3; _openmemory; echo $COMPREPLY"
    ended = subprocess.run(["bash", "-c", script + ask], capture_output=True, text=True)
    assert ended.stdout == "--port\n"


@pytest.mark.parametrize(
    ("name", "guess"),
    [("backupp", " Did you mean 'backup'?"), ("reenbed", " Did you mean"), ("zz", "")],
)
def test_a_name_that_is_none_starts_no_services(monkeypatch, settings, tmp_path, name, guess):
    settings.STATE_DIR = tmp_path / "state"
    monkeypatch.setattr(sys, "argv", ["openmemory", name])

    with pytest.raises(SystemExit, match=f"Unknown command: '{name}'.{re.escape(guess)}"):
        console.main()

    assert not settings.STATE_DIR.exists()


@pytest.mark.parametrize("option", ["--version", "version"])
def test_the_version_is_that_of_the_server(monkeypatch, capsys, settings, option):
    monkeypatch.setattr(sys, "argv", ["openmemory", option])

    console.main()

    assert capsys.readouterr().out == f"openmemory {settings.VERSION}\n"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_help_is_about_the_command_and_not_about_django(monkeypatch, capsys, name):
    with pytest.raises(SystemExit):
        console._execute_in_django(["openmemory", name, "--help"])

    shown = capsys.readouterr().out
    assert shown.startswith(f"usage: openmemory {name} ")
    assert "--pythonpath" not in shown


def test_the_help_of_the_start_names_its_options(capsys):
    with pytest.raises(SystemExit):
        start.main(["--help"], prog="openmemory up")

    shown = capsys.readouterr().out
    assert all(option in shown for option in ("--host", "--port", "--state"))


# They go on until they are ended, or print what another program reads.
WITHOUT_JSON = {"up", "mcp", "completion"}


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - WITHOUT_JSON))
def test_a_result_can_be_had_as_json(name):
    full = COMMANDS[name].full
    parser = load_command_class(get_commands()[full], full).create_parser("openmemory", name)

    assert "--json" in _words(parser)
