"""The hook program: imported, or run as the hooks of an agent run it, in a home of a test's own."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings

PROGRAM = Path(settings.BASE_DIR) / "plugins" / "openmemory_hook.py"


def load_program() -> Any:
    spec = importlib.util.spec_from_file_location("openmemory_hook", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    return program


class Home:
    """A user's home with a memory in the settings, and a project."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.project = folder / "project"
        (self.project / ".git").mkdir(parents=True)
        self.settings = folder / ".config" / "openmemory" / "hook.json"
        self.state = folder / ".local" / "state" / "openmemory" / "hook"
        self.environment = {"HOME": str(folder), "PATH": os.environ["PATH"]}

    def set(self, server: str = "http://127.0.0.1:9", key: str = "om_key", **more: Any) -> None:
        """Set it as an installation does, with more time, as machines that test are busy."""
        self.settings.parent.mkdir(parents=True, exist_ok=True)
        access = {"server": server, "key": key}
        self.settings.write_text(
            json.dumps({"memories": {"default": access}, "recall_ms": 10_000, **more})
        )

    def set_project(self, **fields: Any) -> None:
        (self.project / ".openmemory.json").write_text(json.dumps(fields))

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [getattr(sys, "_base_executable", sys.executable), "-IS", str(PROGRAM), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            env=self.environment,
            cwd=self.project,
            timeout=60,
        )

    def call(self, command: str, name: str, client: str = "claude-code", **event: Any) -> Any:
        """Call as a hook does. Returns what it answers, or None."""
        event = {
            "hook_event_name": name,
            "session_id": "one",
            "cwd": str(self.project),
            **event,
        }
        done = self.run(command, "--client", client, stdin=json.dumps(event))
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return json.loads(done.stdout) if done.stdout else None

    def status(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(self.run("status", "--json").stdout)
        return report

    def queue(self) -> list[dict[str, Any]]:
        found = []
        for path in sorted((self.state / "queue").glob("*.json")):
            with suppress(FileNotFoundError):  # it was sent just now
                found.append(json.loads(path.read_text()))
        return found

    def is_sent(self) -> bool:
        return not self.queue()
