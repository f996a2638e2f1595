"""What the page Connect shows is pasted as it is into each program: it connects, and its test turns
green.

Commands are run. Of programs with a window, the file is read as they read it, and the official
client stands in for them.
"""

from __future__ import annotations

import argparse
import asyncio
import html
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import uuid
from collections.abc import Callable

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from pages.programs import PROGRAMS
from tests.agents.agent import BEFORE
from tests.deadline import SECONDS
from tests.oauth.person import Person
from tests.shared_server import SharedServer

from .mem0_packages import install_python_client
from .registries import NPM, cached, install

TEXT = "Our dog Rex is afraid of thunder"
QUESTION = {"query": "What do you remember about me?"}


class Page(Person):
    """Somebody's Connect, in a browser without scripts."""

    def __init__(self, server: SharedServer) -> None:
        user_id = f"connect-{uuid.uuid4().hex[:8]}"
        server.call("POST", "/users", json={"user_id": user_id})
        body = {"user_id": user_id, "text": TEXT, "infer": False}
        server.call("POST", "/memories", json=body)
        super().__init__(server.url, server.output_of("sign_in_link", user_id))

    def paste(self, slug: str) -> str:
        """Make a key, and return what is shown for it."""
        address = f"{self.origin}/connect/{slug}"
        page = self.browser.get(address, timeout=SECONDS)
        shown = self._submit(address, page, access="write").text
        [self.test, *_] = re.findall(r"/keys/[\w-]+/called", shown)
        [snippet] = re.findall(r'<pre id="snippet"[^>]*>(.*?)</pre>', shown, re.S)
        return html.unescape(snippet)

    def is_green(self) -> bool:
        page = self.browser.get(f"{self.origin}{self.test}", timeout=SECONDS)
        return "✓ connected" in page.text


async def _search(client: Client) -> str:
    result = await client.call_tool("search_memories", QUESTION)
    return str(result.content[0].text)


def call_over_http(url: str, headers: dict[str, str]) -> str:
    """As programs of today do: with the protocol that begins with a greeting."""

    async def use() -> str:
        async with (
            httpx2.AsyncClient(headers=headers, timeout=SECONDS) as http,
            Client(streamable_http_client(url, http_client=http), mode="legacy") as client,
        ):
            assert client.protocol_version == BEFORE
            return await _search(client)

    return asyncio.run(use())


def run_process(command: list[str], **environment: str) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=SECONDS, env=os.environ | environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def need(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")


def in_claude_code(snippet: str) -> str:
    """Its command line: `claude mcp add [options] <name> <commandOrUrl> [args...]`."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("--transport", choices=["stdio", "sse", "http"])
    parser.add_argument("--header", action="append")
    parser.add_argument("name")
    parser.add_argument("url")
    program, mcp, add, *rest = shlex.split(snippet)
    assert (program, mcp, add) == ("claude", "mcp", "add")
    options = parser.parse_args(rest)
    assert (options.transport, options.name) == ("http", "openmemory")
    return call_over_http(options.url, dict(line.split(": ", 1) for line in options.header))


def in_claude_desktop(snippet: str) -> str:
    """It starts the process of the file, and speaks to its input and output."""
    need("npx")
    folder = cached("mcp-remote")
    install(folder, *NPM, "mcp-remote@0.15.1")
    entry = json.loads(snippet)["mcpServers"]["openmemory"]
    assert set(entry) == {"command", "args", "env"}
    home = {"PATH": os.environ["PATH"], "HOME": str(folder), "MCP_REMOTE_CONFIG_DIR": str(folder)}
    process = StdioServerParameters(
        command=entry["command"], args=entry["args"], env=home | entry["env"], cwd=folder
    )

    async def use() -> str:
        async with Client(process, mode="legacy") as client:
            return await _search(client)

    return asyncio.run(use())


def in_file(under: str, url: str, kind: dict[str, str]) -> Callable[[str], str]:
    """A program that reads the URL and headers of a file of JSON."""

    def call(snippet: str) -> str:
        entry = json.loads(snippet)[under]["openmemory"]
        assert set(entry) == {url, "headers", *kind}
        assert {name: entry[name] for name in kind} == kind
        return call_over_http(entry[url], entry["headers"])

    return call


def in_codex(snippet: str) -> str:
    entry = tomllib.loads(snippet)["mcp_servers"]["openmemory"]
    assert set(entry) == {"url", "http_headers"}
    return call_over_http(entry["url"], entry["http_headers"])


def in_n8n(snippet: str) -> str:
    """The fields of its node MCP Client Tool, and of its credential Bearer Auth."""
    fields = dict(line.split(": ", 1) for line in snippet.splitlines())
    assert fields["Server Transport"] == "HTTP Streamable"
    assert fields["Authentication"] == "Bearer Auth"
    return call_over_http(fields["Endpoint"], {"Authorization": f"Bearer {fields['Bearer Token']}"})


def in_mem0(snippet: str) -> str:
    packages = install_python_client("2.2.1")
    quiet = {"MEM0_TELEMETRY": "False", "MEM0_DIR": packages.partition(":")[0]}
    # In another folder than this one, which has a package of that name.
    return run_process([sys.executable, "-P", "-S", "-c", snippet], PYTHONPATH=packages, **quiet)


def in_a_terminal(snippet: str) -> str:
    need("curl")
    return run_process(["bash", "-c", snippet])


def in_python(snippet: str) -> str:
    """Nothing but Python itself."""
    return run_process([sys.executable, "-I", "-S", "-c", snippet])


CALLS: dict[str, Callable[[str], str]] = {
    "claude-code": in_claude_code,
    "claude-desktop": in_claude_desktop,
    "cursor": in_file("mcpServers", "url", {}),
    "vscode": in_file("servers", "url", {"type": "http"}),
    "codex": in_codex,
    "windsurf": in_file("mcpServers", "serverUrl", {}),
    "cline": in_file("mcpServers", "url", {"type": "streamableHttp"}),
    "n8n": in_n8n,
    "mem0": in_mem0,
    "curl": in_a_terminal,
    "python": in_python,
}


@pytest.fixture(scope="module")
def page(shared_server: SharedServer) -> Page:
    return Page(shared_server)


@pytest.mark.parametrize("slug", PROGRAMS)
def test_what_is_pasted_connects_and_the_test_turns_green(page, slug):
    snippet = page.paste(slug)
    was_green = page.is_green()

    found = CALLS[slug](snippet)

    assert TEXT in found
    assert (was_green, page.is_green()) == (False, True)
