"""Install the plug-in of a client: run by the command that the server prints.

    install.py claude-code|codex|cursor SERVER KEY [--memory NAME]

The command downloads `bundle.json`, checks its hash, and runs this with all files of the bundle. To
run it by hand: `python3 install.py cursor SERVER KEY --bundle bundle.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import urllib.parse
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

Files = Mapping[str, str]


class Access(NamedTuple):
    server: str
    key: str
    app: str | None

    @property
    def mcp(self) -> str:
        return f"{self.server}/mcp" + (f"?app={urllib.parse.quote(self.app)}" if self.app else "")


class Client(NamedTuple):
    title: str
    program: str  # that must be here
    folder: Callable[[Path], Path]  # where the files go, by the folder of this program's data
    install: Callable[[str], list[list[str]]]  # commands, by that folder
    remove: list[list[str]]
    leftovers: Callable[[], list[Path]]  # what these do not remove, as patterns
    commands: Path | None  # where the user's own commands are, if a plug-in's are not enough
    after: str


def _home(variable: str, default: str) -> Path:
    return Path(os.environ.get(variable) or Path.home() / default)


def _plugins_of(home: Path) -> list[Path]:
    return [home / "plugins" / kind / "openmemory" for kind in ("cache", "marketplaces")]


def _cursor_folder(_data: Path) -> Path:
    return Path.home() / ".cursor" / "plugins" / "local" / "openmemory"


CLIENTS = {
    "claude-code": Client(
        title="Claude Code",
        program="claude",
        folder=lambda data: data / "claude-code",
        install=lambda folder: [
            ["claude", "plugin", "marketplace", "add", folder],
            ["claude", "plugin", "install", "openmemory@openmemory"],
        ],
        remove=[
            ["claude", "plugin", "uninstall", "openmemory@openmemory"],
            ["claude", "plugin", "marketplace", "remove", "openmemory"],
        ],
        leftovers=lambda: [
            *_plugins_of(_home("CLAUDE_CONFIG_DIR", ".claude")),
            _home("CLAUDE_CONFIG_DIR", ".claude") / "plugins" / "data" / "openmemory-openmemory",
            *(
                Path.home() / caches / "claude-cli-nodejs" / "*" / "mcp-logs-plugin-openmemory-*"
                for caches in (".cache", "Library/Caches")
            ),
        ],
        commands=_home("CLAUDE_CONFIG_DIR", ".claude") / "commands",
        after="It works from the next conversation on.",
    ),
    "codex": Client(
        title="Codex",
        program="codex",
        folder=lambda data: data / "codex",
        install=lambda folder: [
            ["codex", "plugin", "marketplace", "add", folder],
            ["codex", "plugin", "add", "openmemory@openmemory"],
        ],
        remove=[
            ["codex", "plugin", "remove", "openmemory@openmemory"],
            ["codex", "plugin", "marketplace", "remove", "openmemory"],
        ],
        leftovers=lambda: _plugins_of(_home("CODEX_HOME", ".codex")),
        commands=None,
        after="Codex asks you to review its hooks: start `codex`, type /hooks and trust them.",
    ),
    "cursor": Client(
        title="Cursor",
        program="",
        folder=_cursor_folder,
        install=lambda _folder: [],
        remove=[],
        leftovers=list,
        commands=None,
        after="Restart Cursor.",
    ),
}


def main(arguments: list[str], bundle: bytes | None = None) -> int:
    parser = argparse.ArgumentParser(prog="install", description="Install a plug-in.")
    parser.add_argument("client", choices=CLIENTS)
    parser.add_argument("server", help="the URL of the server")
    parser.add_argument("key", help="an API key")
    parser.add_argument("--app", help="as which app, if the key is not bound to one")
    parser.add_argument("--memory", help="the name of the memory (default: that of the client)")
    parser.add_argument("--bundle", type=Path, help="the file with the plug-ins")
    options = parser.parse_args(arguments)
    if bundle is None:
        if options.bundle is None:
            parser.error("--bundle is needed: download /plugins/bundle.json from the server.")
        bundle = options.bundle.read_bytes()
    files: Files = json.loads(bundle)
    client = CLIENTS[options.client]
    if client.program and not shutil.which(client.program):
        print(
            f"{client.title} was not found: `{client.program}` is not on the PATH. Nothing was "
            "changed.",
            file=sys.stderr,
        )
        return 1
    hook = load_hook(files)
    access = Access(options.server.rstrip("/"), options.key, options.app)
    save_access(hook, options.memory or options.client, access)
    program = write_program(hook, files)
    entry = {"memory": options.memory or options.client}
    return install_client(hook, options.client, files, program, access, entry)


def load_hook(files: Files) -> Any:
    """The program itself, which knows where its files are."""
    hook = ModuleType("openmemory_hook")
    exec(compile(files["openmemory_hook.py"], "openmemory_hook.py", "exec"), vars(hook))  # noqa: S102
    return hook


def save_access(hook: Any, memory: str, access: Access) -> None:
    settings = hook.read_json(hook.settings_path())
    memories = settings.get("memories")
    known = memories if isinstance(memories, dict) else {}
    entry = {name: value for name, value in access._asdict().items() if value}
    settings["memories"] = {**known, memory: entry}
    hook.write_json(hook.settings_path(), settings)


# A module is compiled once, a program at each call.
_PROGRAM = """#!/usr/bin/env python3
import sys

sys.path.insert(0, {folder!r})
from openmemory_hook import run

run()
"""


def write_program(hook: Any, files: Files) -> Path:
    program: Path = hook.data_dir() / "openmemory-hook"
    write_file(hook.data_dir() / "openmemory_hook.py", files["openmemory_hook.py"], 0o600)
    write_file(program, _PROGRAM.format(folder=str(program.parent)), 0o700)
    receipt = hook.read_json(hook.receipt_path())
    names = ["openmemory-hook", "openmemory_hook.py", "__pycache__"]
    receipt.update(files=names, links=make_link(program))
    hook.write_json(hook.receipt_path(), receipt)
    return program


def make_link(program: Path) -> list[str]:
    """Make it a command, where the user has a folder for these."""
    link = Path.home() / ".local" / "bin" / "openmemory-hook"
    if link.parent.is_dir() and not link.exists() and os.name == "posix":
        if link.is_symlink():
            link.unlink()
        link.symlink_to(program)
    return [str(link)] if link.is_symlink() and link.resolve() == program.resolve() else []


def install_client(
    hook: Any, name: str, files: Files, program: Path, access: Access, entry: dict[str, Any]
) -> int:
    client = CLIENTS[name]
    folder = client.folder(program.parent)
    before = hook.installed_clients()
    if name in before:
        hook.remove_client(before[name])
    paths = [str(folder), *map(str, client.leftovers())]
    entry = {**entry, "commands": client.remove, "paths": paths}
    write_receipt(hook, name, entry)
    replaced = {"@MCP@": access.mcp, "@KEY@": access.key, "@RUN@": run_line(program)}
    for path, text in files.items():
        if path.startswith(f"{name}/"):
            for mark, value in replaced.items():
                text = text.replace(mark, json.dumps(value)[1:-1])
            write_file(folder / path[len(name) + 1 :], text, 0o600)
    paths += [str(path) for path in write_commands(client, name, files)]
    write_receipt(hook, name, {**entry, "paths": paths})
    for command in client.install(str(folder)):
        done = subprocess.run(  # noqa: S603 - of the table above
            command, capture_output=True, text=True, timeout=120, check=False
        )
        if done.returncode:
            print(f"`{shlex.join(command)}` failed:\n{done.stdout}{done.stderr}", file=sys.stderr)
            hook.uninstall([name])
            return 1
    for copies in client.leftovers():  # of the client, which hold the key, too
        for each in copies.rglob("*"):
            if each.is_file() and os.name == "posix":
                each.chmod(0o600)
    print(f"Installed for {client.title}. {client.after}")
    print(f"What it does: {shlex.quote(str(program))} status")
    print(f"To remove it: {shlex.quote(str(program))} uninstall {name}")
    return 0


def write_commands(client: Client, name: str, files: Files) -> list[Path]:
    """Write commands under their short names, as a plug-in's own have its name before theirs."""
    written = []
    for path, text in files.items():
        place = client.commands / Path(path).name if client.commands else None
        if place and path.startswith(f"{name}/commands/") and not place.exists():
            write_file(place, text, 0o600)
            written.append(place)
    return written


def write_receipt(hook: Any, name: str, entry: dict[str, Any]) -> None:
    receipt = hook.read_json(hook.receipt_path())
    receipt["clients"] = {**hook.installed_clients(), name: entry}
    hook.write_json(hook.receipt_path(), receipt)


def run_line(program: Path) -> str:
    """How a shell runs the program: by the Python itself, not by what starts it elsewhere."""
    python = getattr(sys, "_base_executable", None) or sys.executable
    return " ".join(quote(part) for part in (str(python), "-IS", str(program)))


def quote(part: str) -> str:
    return f'"{part}"' if os.name == "nt" else shlex.quote(part)


def write_file(path: Path, text: str, mode: int) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
    part.replace(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], globals().get("BUNDLE")))
