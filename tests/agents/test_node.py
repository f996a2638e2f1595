"""The TypeScript client and the inspector's command line, from the npm registry."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.agents.agent import BEFORE, TODAY
from tests.deadline import SECONDS

PROGRAMS = Path(__file__).parent / "node"

TEXT = "Our dog Rex is afraid of thunder"

# The inspector brings a web page and its tools: 120 MB.
WITH_INSPECTOR = os.environ.get("TEST_INSPECTOR") == "1"


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """A folder in which the packages are installed."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("There is no Node on this machine: clients in TypeScript are not tried.")
    folder = tmp_path_factory.mktemp("node")
    for each in PROGRAMS.iterdir():
        shutil.copy(each, folder)
    command = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "--prefer-offline"]
    if WITH_INSPECTOR:  # which npm leaves out as an optional one, where Node is older than it asks
        listed = json.loads((folder / "package.json").read_text())
        listed["dependencies"] |= listed.pop("optionalDependencies")
        (folder / "package.json").write_text(json.dumps(listed))
    else:
        command.append("--omit=optional")
    try:
        installed = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        pytest.skip("npm could not install the clients in time.")
    if installed.returncode != 0:
        pytest.skip(f"npm could not install the clients: {installed.stderr[-300:]}")
    return folder


@pytest.fixture(scope="module")
def remembered(shared_server):
    shared_server.call("POST", "/memories", json={"text": TEXT, "app": "node"})


def run(packages, *command):
    done = subprocess.run(
        ["node", *command], cwd=packages, capture_output=True, text=True, timeout=SECONDS
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("path", "transport", "mode", "version"),
    [
        ("/mcp", "http", "auto", TODAY),
        ("/mcp", "http", "legacy", BEFORE),
        ("/mcp/cursor/http/default_user", "http", "auto", TODAY),
        ("/mcp/cursor/sse/default_user", "sse", "legacy", BEFORE),
    ],
)
def test_the_typescript_client_finds_what_is_remembered(
    path, transport, mode, version, packages, remembered, shared_server
):
    address = f"{shared_server.url}{path}"

    told = run(packages, "recall.mjs", address, shared_server.key, transport, mode)

    assert told["version"] == version
    assert TEXT in told["found"]["content"][0]["text"]


@pytest.mark.skipif(not WITH_INSPECTOR, reason="TEST_INSPECTOR=1 also installs the inspector.")
@pytest.mark.parametrize(
    ("path", "transport", "tool"),
    [
        ("/mcp", "http", "search_memories"),
        ("/mcp/cursor/sse/default_user", "sse", "search_memory"),
    ],
)
def test_the_inspector_calls_a_tool(path, transport, tool, packages, remembered, shared_server):
    program = "node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js"
    asked = ["--method", "tools/call", "--tool-name", tool, "--tool-arg", "query=dog"]
    where = ["--cli", f"{shared_server.url}{path}", "--transport", transport]
    key = ["--header", f"Authorization: Bearer {shared_server.key}"]

    told = run(packages, program, *where, *key, *asked)

    assert TEXT in told["content"][0]["text"]
