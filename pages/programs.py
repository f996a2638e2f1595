"""The programs that a person connects, and what to paste into each of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from agents import clients
from agents.clients import Access
from agents.plug_ins import PLUG_INS, install_command

LOOPBACK = ("localhost", "127.0.0.1", "::1")
IN_A_TERMINAL = _("Run this in a terminal:")
IN_A_FILE = _("Put this into the file below, beside what is there already:")


ASK = _("Start it again, and ask it: “What do you remember about me?”")


@dataclass(frozen=True)
class Program:
    """`place` is the file or menu for the snippet, `next_step` what makes it call for the first
    time."""

    title: str
    about: str | Promise
    instruction: str | Promise
    snippet: Callable[[Access], str]
    place: str = ""
    next_step: str | Promise = ASK


def _root(access: Access) -> str:
    return access.url.removesuffix("/mcp")


def plug_in_command(slug: str, access: Access) -> str:
    """What installs the plug-in of a program, and with it the tools. Empty if there is none."""
    return install_command(slug, url=_root(access), key=access.key) if slug in PLUG_INS else ""


def _desktop(access: Access) -> str:
    """Claude Desktop starts a process: this one passes its calls on to the server."""
    address = urlsplit(access.url)
    is_plain = address.scheme == "http" and address.hostname not in LOOPBACK
    arguments = ["-y", "mcp-remote", access.url, "--header", "Authorization:${AUTHORIZATION}"]
    entry = {
        "command": "npx",
        "args": [*arguments, *(["--allow-http"] if is_plain else [])],
        # Apart from the arguments: some systems take them apart at the space.
        "env": {"AUTHORIZATION": f"Bearer {access.key}"},
    }
    return json.dumps({"mcpServers": {clients.NAME: entry}}, indent=2)


def _n8n(access: Access) -> str:
    return (
        f"Endpoint: {access.url}\nServer Transport: HTTP Streamable\n"
        f"Authentication: Bearer Auth\nBearer Token: {access.key}"
    )


def _mem0(access: Access) -> str:
    return f"""from mem0 import MemoryClient

client = MemoryClient(api_key={access.key!r}, host={_root(access)!r})
for memory in client.get_all(filters={{"user_id": {access.user_id!r}}})["results"]:
    print(memory["memory"])"""


def _curl(access: Access) -> str:
    return f"""curl {_root(access)}/api/v1/memories/search \\
  -H 'Authorization: Bearer {access.key}' \\
  -H 'Content-Type: application/json' \\
  -d '{{"query": "What do you remember about me?"}}'"""


def _python(access: Access) -> str:
    return f"""import json
import urllib.request

request = urllib.request.Request(
    {_root(access) + "/api/v1/memories/search"!r},
    json.dumps({{"query": "What do you remember about me?"}}).encode(),
    {{"Authorization": "Bearer {access.key}", "Content-Type": "application/json"}},
)
with urllib.request.urlopen(request) as answer:
    for hit in json.load(answer)["results"]:
        print(hit["text"])"""


def _configured(slug: str, about: str | Promise, *, place: str = "") -> Program:
    client = clients.CLIENTS[slug]
    instruction = IN_A_FILE if place else IN_A_TERMINAL
    return Program(client.title, about, instruction, client.snippet, place)


EDITOR, ASSISTANT, AUTOMATION = _("Editor"), _("Assistant"), _("Automation")
LIBRARY = _("For your own programs")
AT_ONCE = _("It calls as soon as you run it.")

PROGRAMS = {
    "claude-code": _configured("claude-code", ASSISTANT),
    "claude-desktop": Program(
        "Claude Desktop",
        ASSISTANT,
        _("Settings → Developer → Edit Config opens the file below. It needs Node.js."),
        _desktop,
        "claude_desktop_config.json",
    ),
    "cursor": _configured("cursor", EDITOR, place="~/.cursor/mcp.json"),
    "vscode": _configured("vscode", EDITOR, place=".vscode/mcp.json"),
    "codex": _configured("codex", ASSISTANT, place="~/.codex/config.toml"),
    "windsurf": _configured("windsurf", EDITOR, place="~/.codeium/windsurf/mcp_config.json"),
    "cline": _configured("cline", EDITOR, place="cline_mcp_settings.json"),
    "n8n": Program(
        "n8n",
        AUTOMATION,
        _("Add a node “MCP Client Tool” to your agent, and fill it in so:"),
        _n8n,
        next_step=_("It calls as soon as the node lists its tools."),
    ),
    "mem0": Program(
        "Mem0 SDK",
        LIBRARY,
        _("Install it with “pip install mem0ai”, and run this:"),
        _mem0,
        next_step=AT_ONCE,
    ),
    "curl": Program("curl", LIBRARY, IN_A_TERMINAL, _curl, next_step=AT_ONCE),
    "python": Program(
        "Python",
        LIBRARY,
        _("Run this with Python. It needs nothing to be installed:"),
        _python,
        next_step=AT_ONCE,
    ),
}
