"""Pass messages from synchronous views to the MCP SDK, an asynchronous ASGI application.

The SDK runs in one event loop per process, in its own thread. Tools run in the thread of the
request, which waits for the response: they use its database connection, and its transaction in
tests.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from asgiref.current_thread_executor import CurrentThreadExecutor
from django.conf import settings
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings

from .mcp_servers import memory_server, openmemory_server
from .messages import Message
from .tool_call import SCOPE_KEY, Call, Caller

Headers = Sequence[tuple[bytes, bytes]]

_creation_lock = threading.Lock()


@dataclass
class BridgeResponse:
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class McpBridge:
    """A server of the SDK that accepts messages from all threads of this process."""

    def __init__(self, server: MCPServer[Call]) -> None:
        self.server = server
        server.streamable_http_app(
            stateless_http=True,
            json_response=True,
            max_request_body_size=settings.MAX_BODY_BYTES,
            # Django has already checked the Host, and the view the Origin.
            transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        )
        started = threading.Event()
        asyncio.run_coroutine_threadsafe(self._run_sessions(started), _loop())
        started.wait()
        tools = asyncio.run_coroutine_threadsafe(server.list_tools(), _loop()).result()
        self._read_only_tools = {
            tool.name for tool in tools if tool.annotations and tool.annotations.read_only_hint
        }

    def is_read_only(self, message: Message) -> bool:
        return message.tool is None or message.tool in self._read_only_tools

    def handle(self, body: bytes, headers: Headers, caller: Caller) -> BridgeResponse:
        """Return the response to one message. Tools run in this thread, which waits for it."""
        executor = CurrentThreadExecutor(None)
        scope = _scope(headers, Call(caller, executor))
        future = asyncio.run_coroutine_threadsafe(self._respond(scope, body), _loop())
        executor.run_until_future(future)
        return future.result()

    async def _respond(self, scope: dict[str, Any], body: bytes) -> BridgeResponse:
        response = BridgeResponse()
        received = False
        completed = asyncio.Event()

        async def receive() -> dict[str, Any]:
            nonlocal received
            if received:
                # The SDK cancels its work when the client disconnects.
                await completed.wait()
                return {"type": "http.disconnect"}
            received = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                response.status = int(message["status"])
                response.headers = {
                    name.decode("latin-1"): value.decode("latin-1")
                    for name, value in message["headers"]
                }
            else:
                response.body += message.get("body", b"")
                if not message.get("more_body"):
                    completed.set()

        await self.server.session_manager.handle_request(scope, receive, send)
        return response

    async def _run_sessions(self, started: threading.Event) -> None:
        async with self.server.session_manager.run():
            started.set()
            await asyncio.Event().wait()


def memory_bridge() -> McpBridge:
    with _creation_lock:  # else two concurrent first requests would each create one
        return _memory_bridge()


def openmemory_bridge() -> McpBridge:
    with _creation_lock:
        return _openmemory_bridge()


@cache
def _memory_bridge() -> McpBridge:
    return McpBridge(memory_server())


@cache
def _openmemory_bridge() -> McpBridge:
    return McpBridge(openmemory_server())


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="agents", daemon=True).start()
    return loop


def _scope(headers: Headers, call: Call) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/mcp",
        "raw_path": b"/mcp",
        "query_string": b"",
        "root_path": "",
        "headers": list(headers),
        SCOPE_KEY: call,
    }
