"""Claude Code and Codex themselves, from npm, with fakes of their models' APIs.

They have 600 MB, so they are tried if TEST_CODING_AGENTS is 1.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deadline import SECONDS, eventually
from tests.plug_ins.model_api import ModelApi
from tests.plug_ins.test_turns import Account

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.environ.get("TEST_CODING_AGENTS") != "1", reason="600 MB of programs"),
]

PACKAGES = {"claude-code": "@anthropic-ai/claude-code", "codex": "@openai/codex"}


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """A folder in which the programs are installed."""
    folder = tmp_path_factory.mktemp("agents")
    command = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", *PACKAGES.values()]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=SECONDS)
    for name in ("claude", "codex"):
        found = [
            path for path in folder.rglob(name) if path.is_file() and path.stat().st_size > 1e7
        ]
        (folder / "bin").mkdir(exist_ok=True)
        (folder / "bin" / name).symlink_to(found[0])
    return folder / "bin"


@pytest.fixture
def model():
    api = ModelApi()
    yield api
    api.close()


class Machine:
    def __init__(self, folder: Path, programs: Path, model: ModelApi) -> None:
        self.home, self.project = folder / "home", folder / "project"
        (self.home / ".local" / "bin").mkdir(parents=True)
        self.project.mkdir()
        python = Path(getattr(sys, "_base_executable", sys.executable)).parent
        self.model = model
        self.environment = {
            "HOME": str(self.home),
            "PATH": f"{self.home}/.local/bin:{programs}:{python}:/usr/bin:/bin",
            "ANTHROPIC_BASE_URL": model.url,
            "ANTHROPIC_API_KEY": "none",
            "OPENAI_API_KEY": "none",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        }

    def run(self, *command: str) -> str:
        done = subprocess.run(
            command,
            cwd=self.project,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def ask(self, client: str, prompt: str) -> str:
        if client == "claude-code":
            return self.run("claude", "-p", prompt)
        url = json.dumps(f"{self.model.url}/v1")
        provider = f'{{name="fake",base_url={url},wire_api="responses",env_key="OPENAI_API_KEY"}}'
        options = [
            'model="gpt-5"', 'model_provider="fake"', f"model_providers.fake={provider}",
        ]  # fmt: skip
        arguments = [part for option in options for part in ("-c", option)]
        return self.run(
            "codex", "exec", "--skip-git-repo-check", "--dangerously-bypass-hook-trust",
            *arguments, prompt,
        )  # fmt: skip

    def set_patience(self) -> None:
        settings = self.home / ".config" / "openmemory" / "hook.json"
        settings.write_text(json.dumps({**json.loads(settings.read_text()), "recall_ms": 1_500}))

    def files_that_name_us(self) -> list[Path]:
        """Files that name the plug-in, but for conversations that the agents keep."""
        ours = []
        for path in self.home.rglob("*"):
            kept = {"projects", "sessions", "telemetry", "backups", "history.jsonl"}
            if not kept & set(path.parts) and path.is_file() and path.suffix != ".sqlite":
                named = b"openmemory" in path.read_bytes() or "openmemory" in str(path)
                ours += [path] if named else []
        return ours


@pytest.mark.parametrize("client", PACKAGES)
def test_an_agent_recalls_and_remembers_until_it_is_removed(
    client, programs, model, shared_server, tmp_path
):
    account = Account(shared_server)
    account.call("POST", "/memories", text="My bicycle is a green Brompton")
    machine = Machine(tmp_path, programs, model)
    install = shared_server.output_of("connect", client, "--user", account.user_id)
    machine.run(*shlex.split(install))
    machine.set_patience()

    answer = machine.ask(client, "Which bicycle is mine?")

    assert "<openmemory-recall>" in model.said()
    assert "My bicycle is a green Brompton" in answer  # the fake repeats it
    assert eventually(lambda: len(account.texts()) == 2)
    (turn,) = (text for text in account.texts() if text.startswith("user: "))
    assert turn == "user: Which bicycle is mine?\nassistant: Thank you, this is answer 1."
    assert "add_memory" in json.dumps([body.get("tools") for body in model.requests])

    machine.run("openmemory-hook", "uninstall")

    assert machine.files_that_name_us() == []
    machine.ask(client, "Which bicycle is mine?")
    assert len(account.texts()) == 2


def test_claude_code_has_the_commands(programs, model, shared_server, tmp_path):
    account = Account(shared_server)
    machine = Machine(tmp_path, programs, model)
    install = shared_server.output_of("connect", "claude-code", "--user", account.user_id)
    machine.run(*shlex.split(install))

    machine.ask("claude-code", "/remember I like tea")

    assert "`add_memory` of the MCP server openmemory" in model.said()
    assert "I like tea" in model.said()
