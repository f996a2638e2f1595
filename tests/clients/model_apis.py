"""The APIs of models, as far as a page of docs/ calls them: the model uses its tool, then tells.

It says what the prompt tells of an earlier conversation, or what its tool answered.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

FACT = "tea with milk"
SAID = {"id": "x", "model": "m", "created_at": 1, "object": "response", "status": "completed",
        "parallel_tool_calls": True, "tool_choice": "auto", "tools": []}  # fmt: skip


def anthropic(request: dict[str, Any]) -> dict[str, Any]:
    last = request["messages"][-1]["content"]
    if isinstance(last, str):
        command = {"command": "create", "path": "/memories/likes.md", "file_text": "Likes tea.\n"}
        part = {"type": "tool_use", "id": "t", "name": "memory", "input": command}
        return _message(part, "tool_use")
    return _message({"type": "text", "text": f"The tool said: {json.dumps(last)}"}, "end_turn")


def _message(part: dict[str, Any], reason: str) -> dict[str, Any]:
    usage = {"input_tokens": 1, "output_tokens": 1}
    return {"id": "x", "type": "message", "role": "assistant", "model": "m", "content": [part],
            "stop_reason": reason, "stop_sequence": None, "usage": usage}  # fmt: skip


def openai(request: dict[str, Any]) -> dict[str, Any]:
    last = request["input"][-1]
    if "Remember that" in json.dumps(last):
        arguments = json.dumps({"text": f"Ann likes {FACT}."})
        item = {"type": "function_call", "id": "f", "call_id": "c", "name": "remember",
                "arguments": arguments, "status": "completed"}  # fmt: skip
    else:
        answered = last.get("output")
        text = f"Known: {FACT}" if FACT in request["instructions"] else "I do not know."
        text = f"The tool said: {answered}" if answered else text
        part = {"type": "output_text", "text": text, "annotations": []}
        item = {"type": "message", "id": "m", "role": "assistant", "status": "completed",
                "content": [part]}  # fmt: skip
    return {**SAID, "output": [item]}


def gemini(request: dict[str, Any]) -> dict[str, Any]:
    known = "PAST_CONVERSATIONS" in json.dumps(request) and FACT in json.dumps(request)
    content = {"role": "model", "parts": [{"text": f"Known: {FACT}" if known else "I see."}]}
    return {"candidates": [{"content": content, "finishReason": "STOP"}]}


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        path = self.path.partition("?")[0]
        model = anthropic if path.endswith("/messages") else openai
        body = json.dumps((gemini if "generateContent" in path else model)(request)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def model_apis() -> Iterator[dict[str, str]]:
    """The environment in which the packages of the frameworks call these models."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield {
            "ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "x",
            "OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_KEY": "x",
            "OPENAI_AGENTS_DISABLE_TRACING": "1",
            "GOOGLE_GEMINI_BASE_URL": url, "GOOGLE_API_KEY": "x",
        }  # fmt: skip
    finally:
        server.shutdown()
        server.server_close()
