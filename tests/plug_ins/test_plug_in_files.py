"""What the server serves at /plugins, and the command that installs it."""

from __future__ import annotations

import hashlib
import json
import shlex
import subprocess
import sys
import tomllib
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from accounts.models import ApiKey
from agents.plug_ins import PLUG_INS, install_command, load_files

FOLDER = Path(settings.BASE_DIR) / "plugins"
MANIFESTS = {
    "claude-code": "claude-code/.claude-plugin/plugin.json",
    "codex": "codex/plugins/openmemory/.codex-plugin/plugin.json",
    "cursor": "cursor/.cursor-plugin/plugin.json",
}
HOOKS = {
    "claude-code": "claude-code/hooks/hooks.json",
    "codex": "codex/plugins/openmemory/hooks/hooks.json",
    "cursor": "cursor/hooks/hooks.json",
}


# The fields of the schema that Cursor publishes for manifests. It allows no others.
CURSOR_FIELDS = {
    "name", "displayName", "description", "version", "author", "publisher", "homepage",
    "repository", "license", "logo", "keywords", "category", "tags", "commands", "agents", "skills",
    "rules", "hooks", "variables", "mcpServers",
}  # fmt: skip


def test_the_manifest_for_cursor_has_the_fields_that_cursor_knows():
    manifest = json.loads((FOLDER / MANIFESTS["cursor"]).read_text())

    assert manifest.keys() <= CURSOR_FIELDS
    for name in ("commands", "hooks", "mcpServers"):
        assert (FOLDER / "cursor" / manifest[name]).exists()


def test_each_file_is_served_with_its_hash(client, db):
    index = client.get("/plugins/").json()

    assert index["plug_ins"] == PLUG_INS
    for name, entry in index["files"].items():
        answer = client.get(f"/plugins/{name}")
        assert answer.status_code == 200
        assert hashlib.sha256(answer.content).hexdigest() == entry["sha256"]
        assert answer.headers["ETag"] == f'"{entry["sha256"]}"'
        if name != "bundle.json":
            assert answer.content == (FOLDER / name).read_bytes()


@pytest.mark.parametrize(
    "name",
    [
        "../manage.py", "%2e%2e/manage.py", "../plugins/install.py", "/etc/passwd", "install.pyc",
        "claude-code", "claude-code/", "claude-code/../install.py", "__pycache__/install.pyc",
    ],
)  # fmt: skip
def test_nothing_else_is(client, db, name):
    assert client.get(f"/plugins/{name}").status_code == 404


@pytest.mark.parametrize("path", ["/plugins", "/plugins/install.py"])
def test_they_are_only_read(client, db, path):
    assert client.head(path).status_code == 200
    assert client.post(path).status_code == 405


def test_the_bundle_has_every_file():
    bundle = json.loads(load_files()["bundle.json"].content)

    assert set(bundle) == set(load_files()) - {"bundle.json"}
    assert bundle["install.py"] == (FOLDER / "install.py").read_text()


@pytest.mark.parametrize("name", PLUG_INS)
def test_a_manifest_has_the_version_of_the_server(name):
    manifest = json.loads((FOLDER / MANIFESTS[name]).read_text())
    project = tomllib.loads((Path(settings.BASE_DIR) / "pyproject.toml").read_text())

    assert manifest["name"] == "openmemory"
    assert manifest["version"] == project["project"]["version"]


@pytest.mark.parametrize("name", PLUG_INS)
def test_a_hook_calls_the_program_and_stops_no_turn(name):
    hooks = json.loads((FOLDER / HOOKS[name]).read_text())["hooks"]
    entries = [
        hook
        for groups in hooks.values()
        for group in groups
        for hook in group.get("hooks", [group])
    ]

    for entry in entries:
        # A status of 2, as of a Python that finds no program, would refuse the prompt.
        assert entry["command"] in {
            f"@RUN@ {verb} --client {name} || exit 0" for verb in ("recall", "capture")
        }
        assert entry["timeout"] <= 2


def test_a_marketplace_names_the_plug_in_where_it_is():
    claude = json.loads((FOLDER / "claude-code/.claude-plugin/marketplace.json").read_text())
    codex = json.loads((FOLDER / "codex/.agents/plugins/marketplace.json").read_text())

    assert [entry["source"] for entry in claude["plugins"]] == ["./"]
    (entry,) = codex["plugins"]
    assert (FOLDER / "codex" / entry["source"]["path"] / ".codex-plugin").is_dir()


@pytest.mark.parametrize("name", PLUG_INS)
def test_connect_prints_one_command_with_a_new_key(alice, name):
    out = StringIO()

    call_command(
        "connect", name, user="alice", url="https://memory.example.org/mcp", stdout=out,
        stderr=StringIO(),
    )  # fmt: skip

    python, option, loader, *rest = shlex.split(out.getvalue())
    assert (python, option) == ("python3", "-c")
    assert "https://memory.example.org/plugins/bundle.json" in loader
    assert load_files()["bundle.json"].sha256 in loader
    assert rest[:2] == [name, "https://memory.example.org"]
    key = ApiKey.objects.get(name=f"connect {name}")
    assert key.app_name == name


def test_connect_makes_a_key_for_the_apps_of_projects(alice):
    out = StringIO()

    call_command("connect", "codex", user="alice", any_app=True, stdout=out, stderr=StringIO())

    assert shlex.split(out.getvalue())[-2:] == ["--app", "codex"]
    assert ApiKey.objects.get(name="connect codex").app_name == ""


def test_connect_prints_the_configuration_of_other_clients(alice):
    out = StringIO()

    call_command("connect", "vscode", user="alice", stdout=out, stderr=StringIO())

    assert json.loads(out.getvalue())["servers"]["openmemory"]["url"].endswith("/mcp")


def test_a_quote_in_an_address_ends_no_command():
    command = install_command("cursor", url="https://x.example/'\"$(id)", key="om_1")

    assert len(shlex.split(command)) == 6


def test_plug_ins_are_installed_shown_and_removed_without_a_trace(home, tmp_path):
    bundle = tmp_path / "bundle.json"
    bundle.write_bytes(load_files()["bundle.json"].content)
    codex = tmp_path / "bin" / "codex"  # whose commands do nothing
    codex.parent.mkdir()
    codex.symlink_to("/bin/true")
    home.environment["PATH"] = f"{codex.parent}:{home.environment['PATH']}"
    python = getattr(sys, "_base_executable", sys.executable)
    before = {path for path in home.folder.rglob("*") if path.is_file()}

    def run(*command):
        return subprocess.run(
            command, env=home.environment, capture_output=True, text=True, check=True
        ).stdout

    for name in ("cursor", "codex"):
        install = [name, "http://127.0.0.1:9", f"om_{name}", "--bundle", bundle]
        run(python, FOLDER / "install.py", *install)
    program = home.folder / ".local/share/openmemory/openmemory-hook"
    shown = json.loads(run(python, program, "status", "--client", "cursor", "--json"))
    one = run(python, program, "uninstall", "codex")
    left = home.settings.read_text() + (program.parent / "receipt.json").read_text()
    removed = run(python, program, "uninstall")

    assert (shown["clients"], shown["memory"], shown["recall"]) == (
        ["codex", "cursor"], "cursor", True,
    )  # fmt: skip
    assert shown["notes"] == []
    assert "The key of codex is valid until you revoke it: http://127.0.0.1:9/keys" in one
    assert "cursor" in left
    assert "codex" not in left
    assert "Nothing of openmemory-hook is left." in removed
    assert {path for path in home.folder.rglob("*") if path.is_file()} == before
