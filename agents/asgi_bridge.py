"""Give a message to the SDK from a thread that waits for the answer.

The SDK is asynchronous: one loop for each process runs it, in a thread of its own. What a tool
does with the database runs in the thread that waits, which is the one that serves the request:
with its connection, and with its transaction where a test has one.
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

from .mcp_servers import memory_server, original_server
from .messages import Message
from .tool_call import IN_SCOPE, Call, Caller

Headers = Sequence[tuple[bytes, bytes]]

_starting = threading.Lock()


@dataclass
class Answer:
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Desk:
    """One server of the SDK, open for messages from all threads of this process."""

    def __init__(self, server: MCPServer[Call]) -> None:
        self.server = server
        server.streamable_http_app(
            stateless_http=True,
            json_response=True,
            max_request_body_size=settings.MAX_BODY_BYTES,
            # Django has compared the Host, and the view the Origin.
            transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        )
        opened = threading.Event()
        asyncio.run_coroutine_threadsafe(self._stay_open(opened), _loop())
        opened.wait()
        tools = asyncio.run_coroutine_threadsafe(server.list_tools(), _loop()).result()
        self._reading = {
            tool.name for tool in tools if tool.annotations and tool.annotations.read_only_hint
        }

    def only_reads(self, message: Message) -> bool:
        return message.tool is None or message.tool in self._reading

    def exchange(self, body: bytes, headers: Headers, caller: Caller) -> Answer:
        """Answer one message over HTTP. Tools run in this thread, which waits."""
        executor = CurrentThreadExecutor(None)
        scope = _scope(headers, Call(caller, executor))
        answering = asyncio.run_coroutine_threadsafe(self._answer(scope, body), _loop())
        executor.run_until_future(answering)
        return answering.result()

    async def _answer(self, scope: dict[str, Any], body: bytes) -> Answer:
        answer = Answer()
        received = False
        answered = asyncio.Event()

        async def receive() -> dict[str, Any]:
            nonlocal received
            if received:
                # The SDK gives up what it is doing once its client is gone.
                await answered.wait()
                return {"type": "http.disconnect"}
            received = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                answer.status = int(message["status"])
                answer.headers = {
                    name.decode("latin-1"): value.decode("latin-1")
                    for name, value in message["headers"]
                }
            else:
                answer.body += message.get("body", b"")
                if not message.get("more_body"):
                    answered.set()

        await self.server.session_manager.handle_request(scope, receive, send)
        return answer

    async def _stay_open(self, opened: threading.Event) -> None:
        async with self.server.session_manager.run():
            opened.set()
            await asyncio.Event().wait()


def memory_desk() -> Desk:
    with _starting:  # else two first requests at once would each open one
        return _memory_desk()


def original_desk() -> Desk:
    with _starting:
        return _original_desk()


@cache
def _memory_desk() -> Desk:
    return Desk(memory_server())


@cache
def _original_desk() -> Desk:
    return Desk(original_server())


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
        IN_SCOPE: call,
    }
