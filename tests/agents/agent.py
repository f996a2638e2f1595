"""Agents of the tests: they send one message at a time to the server in this process."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from django.http import HttpResponse
from django.test import Client

TODAY = "2026-07-28"
BEFORE = "2025-11-25"

_ids = count(1)


@dataclass(frozen=True)
class Result:
    """What a tool answered, or why it did not."""

    is_error: bool
    text: str
    data: Any


@dataclass(frozen=True)
class Agent:
    """A program with a key, or without one, and what its requests say beside it."""

    secret: str | None
    address: str = "/mcp"
    version: str = TODAY
    headers: dict[str, str] = field(default_factory=dict)
    remote: str = "127.0.0.1"

    def send(self, method: str, params: dict[str, Any] | None = None) -> HttpResponse:
        params = {**(params or {}), **self._meta()}
        message = {"jsonrpc": "2.0", "id": next(_ids), "method": method, "params": params}
        return self.post(json.dumps(message), **self._routing(method, params))

    def post(self, body: str, **headers: str) -> HttpResponse:
        client = Client(raise_request_exception=False, REMOTE_ADDR=self.remote)
        sent = {"Accept": "application/json, text/event-stream", **headers, **self.headers}
        if self.secret:
            sent["Authorization"] = f"Bearer {self.secret}"
        return client.post(self.address, body, content_type="application/json", headers=sent)

    def ask(self, method: str, params: dict[str, Any] | None = None) -> Any:
        answer = self.send(method, params)
        assert answer.status_code == 200, answer.content
        return answer.json()["result"]

    def call(self, tool: str, **arguments: Any) -> Result:
        result = self.ask("tools/call", {"name": tool, "arguments": arguments})
        (content,) = result["content"]
        return Result(result["isError"], content["text"], result.get("structuredContent"))

    def _meta(self) -> dict[str, Any]:
        if self.version < TODAY:
            return {}
        prefix = "io.modelcontextprotocol"
        meta = {f"{prefix}/protocolVersion": self.version, f"{prefix}/clientCapabilities": {}}
        return {"_meta": meta}

    def _routing(self, method: str, params: dict[str, Any]) -> dict[str, str]:
        headers = {"MCP-Protocol-Version": self.version}
        if self.version >= TODAY:
            headers["Mcp-Method"] = method
            named = params.get("name") or params.get("uri")
            headers |= {"Mcp-Name": named} if named else {}
        return headers
