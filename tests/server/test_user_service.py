"""`openmemory service`, with a program in the place of systemctl that writes down its calls."""

from __future__ import annotations

import json
import os
import plistlib
import shutil
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command

from embedded.ownership import Owner, Ownership
from server import service_managers
from server.service_managers import Launchd, Program, Systemd

SYSTEMCTL = """#!/bin/sh
echo "$*" >> {calls}
case "$*" in
  *restart*) echo active > {state};;
  *--now*) echo inactive > {state};;
  *show*) cat {state};;
esac
"""


# Whoever knows the service refuses another of its name, and takes a while to forget it.
LAUNCHCTL = """#!/bin/sh
echo "$1" >> {calls}
case "$1" in
  print) [ -e {state} ] || exit 113; cat {state}; [ ! -e {state}.leaves ] || rm {state}*;;
  bootout) touch {state}.leaves; echo "Operation now in progress" >&2; exit 36;;
  bootstrap) if [ -e {state} ]; then echo "Bootstrap failed: 5: Input/output error" >&2; exit 5; fi
    echo "state = running" > {state};;
esac
"""


@pytest.fixture
def mac(tmp_path, monkeypatch, settings):
    """A home and a `launchctl`; returns the file with what that knows of the service."""
    programs, state = tmp_path / "programs", tmp_path / "state"
    programs.mkdir()
    (programs / "launchctl").write_text(LAUNCHCTL.format(calls=tmp_path / "calls", state=state))
    (programs / "launchctl").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["/somewhere/openmemory"])
    monkeypatch.setattr(sys, "platform", "darwin")
    settings.STATE_DIR = tmp_path / "var"
    return state


@pytest.mark.parametrize("known", [None, "state = running", "state = not running"])
def test_launchd_runs_the_service_whatever_it_knew_of_it(mac, known, tmp_path, capsys):
    if known:
        mac.write_text(known)
    call_command("user_service", "install")
    capsys.readouterr()
    call_command("user_service", "status", "--json")
    assert json.loads(capsys.readouterr().out)["state"] == "running"
    mac.write_text("state = not running")
    with pytest.raises(SystemExit):
        call_command("user_service", "status")

    call_command("user_service", "uninstall")

    assert not mac.exists()
    assert not (tmp_path / "Library/LaunchAgents/org.openmemory.server.plist").exists()


@pytest.fixture
def machine(tmp_path, monkeypatch, settings):
    """A home, a state folder and a `systemctl`; returns what `systemctl` was called with."""
    programs = tmp_path / "programs"
    programs.mkdir()
    calls, state = tmp_path / "calls", tmp_path / "state"
    calls.touch()
    (programs / "systemctl").write_text(SYSTEMCTL.format(calls=calls, state=state))
    (programs / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(sys, "argv", ["/somewhere/openmemory"])
    monkeypatch.setattr(sys, "platform", "linux")
    settings.STATE_DIR = tmp_path / "var"
    return lambda: calls.read_text().splitlines()


def test_it_is_installed_shown_and_removed(machine, tmp_path, capsys):
    call_command("user_service", "install", "--port", "9000")

    unit = (tmp_path / "config/systemd/user/openmemory.service").read_text()
    assert f'ExecStart=/usr/bin/env "{sys.executable}" "-m" "openmemory_server" "up"' in unit
    assert f'Environment="OPENMEMORY_STATE_DIR={tmp_path}/var"' in unit
    assert 'Environment="PORT=9000"' in unit
    assert machine() == [
        "--user daemon-reload",
        "--user enable openmemory.service",
        "--user restart openmemory.service",
    ]
    capsys.readouterr()
    call_command("user_service", "status", "--json")
    assert json.loads(capsys.readouterr().out)["state"] == "running"

    call_command("user_service", "uninstall")
    assert machine()[-1] == "--user disable --now openmemory.service"
    assert not (tmp_path / "config/systemd/user/openmemory.service").exists()
    assert "What is stored stays" in capsys.readouterr().out


def test_each_action_reports_as_json(machine, tmp_path, capsys):
    file = str(tmp_path / "config/systemd/user/openmemory.service")
    reported = {"ok": True, "file": file, "state_folder": f"{tmp_path}/var"}

    call_command("user_service", "install", "--json")
    assert json.loads(capsys.readouterr().out) == reported
    for is_removed in (True, False):
        call_command("user_service", "uninstall", "--json")
        assert json.loads(capsys.readouterr().out) == {**reported, "removed": is_removed}
    with pytest.raises(SystemExit, match="4"):
        call_command("user_service", "status", "--json")
    shown = {"ok": True, "state": "not installed", "address": "", "file": file}
    assert json.loads(capsys.readouterr().out) == shown


def test_what_is_not_installed_is_said_to_be(machine, capsys):
    with pytest.raises(SystemExit, match="4"):
        call_command("user_service", "status")
    call_command("user_service", "uninstall")

    assert capsys.readouterr().out.count("not installed") == 2
    with pytest.raises(CommandError, match="openmemory service install"):
        call_command("user_service", "logs")


def test_a_server_that_runs_by_hand_is_not_disturbed(machine, settings):
    server = Ownership(settings.STATE_DIR)
    assert server.claim(Owner(os.getpid(), "openmemory up", "http://127.0.0.1:8765"))

    with pytest.raises(CommandError, match="already running"):
        call_command("user_service", "install")

    server.release()
    assert machine() == []


@pytest.mark.parametrize(
    "folder", ["/home/ada/.cache/uv/archive-v0/x/bin", "/home/ada/.local/pipx/.cache/x/bin"]
)
def test_a_temporary_installation_is_refused(machine, monkeypatch, folder):
    monkeypatch.setattr(sys, "argv", [f"{folder}/openmemory"])

    with pytest.raises(CommandError, match="uv tool install"):
        call_command("user_service", "install")


def test_what_the_service_manager_refuses_is_told(machine, tmp_path):
    (tmp_path / "programs/systemctl").write_text("#!/bin/sh\necho No medium found >&2\nexit 1\n")

    with pytest.raises(CommandError, match="daemon-reload` failed: No medium found"):
        call_command("user_service", "install")


def test_a_machine_without_a_service_manager_is_told_what_else_to_do(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)

    with pytest.raises(CommandError, match=r"`openmemory --state .* up`"):
        call_command("user_service", "status")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
@pytest.mark.parametrize("name", ["plain", "with a space", '100% "$HOME" \\n'])
def test_systemd_understands_the_unit(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    python = folder / "python"
    python.symlink_to(sys.executable)
    program = Program([str(python), "-m", "x"], {"OPENMEMORY_STATE_DIR": str(folder)}, folder)
    unit = tmp_path / "openmemory.service"
    unit.write_bytes(Systemd().describe(program))

    command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(unit)]
    ended = subprocess.run(command, capture_output=True, text=True)

    assert (ended.returncode, ended.stderr) == (0, "")


def test_launchd_is_given_a_property_list(tmp_path):
    program = Program(["/opt/a b/python", "-m", "x"], {"PORT": "9000"}, tmp_path)

    described = plistlib.loads(Launchd().describe(program))

    assert described["ProgramArguments"] == ["/opt/a b/python", "-m", "x"]
    assert described["EnvironmentVariables"] == {"PORT": "9000"}
    assert described["KeepAlive"] == {"SuccessfulExit": False}


def test_a_checkout_is_started_by_its_own_python(monkeypatch, settings):
    monkeypatch.setattr(sys, "argv", ["manage.py"])

    command = service_managers.find_program({}).command

    assert command == [sys.executable, str(settings.BASE_DIR / "manage.py"), "run"]
