"""The APIs of the models behind Claude Code and Codex, on loopback: each answer is one sentence.

The answer repeats what the request recalled, as models do, and thanks for the last prompt. Asked to
look something up, the model calls the tool that searches, and then repeats what it was shown.
"""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LOOK_UP = "Look it up"
SHOWN = re.compile(r'"text":\s*"((?:[^"\\]|\\.)+)"')
RECALLED = re.compile(r"^- \[[0-9a-f-]{36}\] [^\n]+$", re.MULTILINE)


class ModelApi:
    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                self._send(b"{}", "application/json")

            def do_HEAD(self) -> None:
                self.do_GET()

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                body = json.loads(raw or b"{}") if raw[:1] == b"{" else {}
                if self.path.split("?")[0].endswith("/messages"):
                    api.requests.append(body)
                    block = api.find_call(body) or {"type": "text", "text": api.answer(body)}
                    self._send(as_messages(block, body), "text/event-stream")
                elif self.path.endswith("/responses"):
                    api.requests.append(body)
                    called = api.find_call(body)
                    item = as_function_call(called) if called else as_message(api.answer(body))
                    self._send(as_responses(item), "text/event-stream")
                else:
                    self._send(b'{"input_tokens": 1}', "application/json")

            def _send(self, content: bytes, kind: str) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, body: dict[str, Any]) -> str:
        texts = find_texts(body)
        shown = SHOWN.findall("\n".join(texts).replace('\\"', '"')) if "call_1" in texts else []
        recalled = RECALLED.findall("\n".join(texts))
        return "\n".join(
            [*recalled[:3], *shown[:1], f"Thank you, this is answer {len(self.requests)}."]
        )

    def find_call(self, body: dict[str, Any]) -> dict[str, Any] | None:
        """The call of the tool that searches, once, if the prompt asks for it."""
        texts = find_texts(body.get("messages") or body.get("input"))
        tools = [tool for tool in body.get("tools") or () if "search_memories" in str(tool)]
        if LOOK_UP not in "\n".join(texts) or not tools or "call_1" in texts:
            return None
        arguments = {"query": "bicycle"}
        return {"type": "tool_use", "id": "call_1", "name": find_name(tools[0]), "input": arguments}

    def said(self) -> str:
        """All that the model was sent."""
        return "\n".join(text for body in self.requests for text in find_texts(body))

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def find_texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for item in items for text in find_texts(item)]


def _events(events: list[dict[str, Any]]) -> bytes:
    return "".join(
        f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events
    ).encode()


def find_name(tool: dict[str, Any]) -> str:
    """Its own name, or that of the one that searches within a group of a server's tools."""
    inner = tool.get("tools") or [tool]
    names: list[str] = [each["name"] for each in inner]
    return next(name for name in names if name.endswith("search_memories"))


def as_messages(block: dict[str, Any], body: dict[str, Any]) -> bytes:
    usage = {"input_tokens": 1, "output_tokens": 1}
    message = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": body.get("model", "m"),
        "content": [], "stop_reason": None, "stop_sequence": None, "usage": usage,
    }  # fmt: skip
    if block["type"] == "text":
        start, delta = {"type": "text", "text": ""}, {"type": "text_delta", "text": block["text"]}
    else:
        written = json.dumps(block["input"])
        start = {**block, "input": {}}
        delta = {"type": "input_json_delta", "partial_json": written}
    reason = "end_turn" if block["type"] == "text" else "tool_use"
    end = {"stop_reason": reason, "stop_sequence": None}
    return _events(
        [
            {"type": "message_start", "message": message},
            {"type": "content_block_start", "index": 0, "content_block": start},
            {"type": "content_block_delta", "index": 0, "delta": delta},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": end, "usage": usage},
            {"type": "message_stop"},
        ]
    )


def as_message(text: str) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": []}
    return {"type": "message", "id": "msg_1", "role": "assistant", "content": [part]}


def as_function_call(call: dict[str, Any]) -> dict[str, Any]:
    arguments = json.dumps(call["input"])
    return {
        "type": "function_call", "id": "fc_1", "call_id": call["id"], "name": call["name"],
        "arguments": arguments,
    }  # fmt: skip


def as_responses(item: dict[str, Any]) -> bytes:
    usage = {
        "input_tokens": 1, "input_tokens_details": None, "output_tokens": 1,
        "output_tokens_details": None, "total_tokens": 2,
    }  # fmt: skip
    return _events(
        [
            {"type": "response.created", "response": {"id": "resp_1"}},
            {"type": "response.output_item.done", "output_index": 0, "item": item},
            {"type": "response.completed", "response": {"id": "resp_1", "usage": usage}},
        ]
    )
