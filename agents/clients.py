"""The configuration snippets with which client programs connect to this server."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

NAME = "openmemory"

# Variables that a process needs to find the same memories, if they are set.
ENVIRONMENT = (
    "OPENMEMORY_STATE_DIR",
    *("DATABASE_URL", "DATABASE_URL_FILE", "REDIS_URL", "REDIS_URL_FILE"),
)


@dataclass(frozen=True)
class Access:
    """The server's URL and an API key, or the user for a client that starts its own process."""

    url: str
    key: str
    user_id: str


@dataclass(frozen=True)
class Client:
    """A client program, and how it is configured: by a file or by a command."""

    title: str
    location: str
    snippet: Callable[[Access], str]
    needs_key: bool = True


def _headers(access: Access) -> dict[str, str]:
    return {"Authorization": f"Bearer {access.key}"}


def _json(value: Any) -> str:
    return json.dumps(value, indent=2)


def _servers(entry: Mapping[str, Any], *, under: str = "mcpServers") -> str:
    return _json({under: {NAME: dict(entry)}})


def _claude_code(access: Access) -> str:
    command = ["claude", "mcp", "add", "--transport", "http", NAME, access.url]
    return shlex.join([*command, "--header", f"Authorization: Bearer {access.key}"])


def _claude_desktop(access: Access) -> str:
    command = [str(settings.BASE_DIR / "manage.py"), "mcp_stdio", "--user", access.user_id]
    environment = {name: os.environ[name] for name in ENVIRONMENT if os.environ.get(name)}
    return _servers(
        {
            "command": sys.executable,
            "args": [*command, "--app", "claude-desktop"],
            "env": environment,
        }
    )


def _codex(access: Access) -> str:
    # TOML and JSON have the same syntax for these strings.
    key, url = (json.dumps(text) for text in (f"Bearer {access.key}", access.url))
    return f"[mcp_servers.{NAME}]\nurl = {url}\nhttp_headers = {{ Authorization = {key} }}"


CLIENTS = {
    "claude-code": Client("Claude Code", "Run this in a terminal", _claude_code),
    "claude-desktop": Client(
        "Claude Desktop",
        "Settings → Developer → Edit Config: `claude_desktop_config.json`",
        _claude_desktop,
        needs_key=False,
    ),
    "cursor": Client(
        "Cursor",
        "`~/.cursor/mcp.json`",
        lambda access: _servers({"url": access.url, "headers": _headers(access)}),
    ),
    "vscode": Client(
        "VS Code",
        "`.vscode/mcp.json`",
        lambda access: _servers(
            {"type": "http", "url": access.url, "headers": _headers(access)}, under="servers"
        ),
    ),
    "windsurf": Client(
        "Windsurf",
        "`~/.codeium/windsurf/mcp_config.json`",
        lambda access: _servers({"serverUrl": access.url, "headers": _headers(access)}),
    ),
    "codex": Client("Codex", "`~/.codex/config.toml`", _codex),
    "cline": Client(
        "Cline",
        "MCP Servers → Configure: `cline_mcp_settings.json`",
        lambda access: _servers(
            {"type": "streamableHttp", "url": access.url, "headers": _headers(access)}
        ),
    ),
}
