"""The bodies of the fake model's responses."""

from __future__ import annotations

import base64
import json
import re
import struct
from collections.abc import Callable
from typing import Any

from . import rules, styles
from .faults import Fault

_SCHEMA_IN_PROMPT = re.compile(r"JSON schema:\n(?=\{)")


def text_of(body: dict[str, Any]) -> str:
    """The text that a request is about: the first user message, or the texts to embed."""
    if "input" in body:
        return "\n".join(inputs(body))
    messages = body.get("messages", [])
    text = next((message["content"] for message in messages if message["role"] == "user"), "")
    # Without a system message, the instructions stand before the text.
    return text if "system" in (message["role"] for message in messages) else text.split("\n\n")[-1]


def build_completion(body: dict[str, Any], fault: Fault | None, dimensions: int) -> dict[str, Any]:
    content: str | None = _content(body, fault)
    message = {"role": "assistant", "content": content, "refusal": None}
    finish_reason = "stop"
    if fault is Fault.REFUSAL:
        message |= {"content": None, "refusal": "I cannot help with that."}
    elif fault is Fault.ROOM:
        message["content"] = (content or "")[:20]
        finish_reason = "length"
    completion = {
        "id": "chatcmpl-fake",
        "object": "chat.completion",
        "created": 0,
        "model": body.get("model", "fake"),
        "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
        "usage": _usage(_prompt(body), content or ""),
    }
    if fault in styles.COMPLETIONS:
        styles.COMPLETIONS[fault](completion)
    return completion


def build_ollama_chat(body: dict[str, Any], fault: Fault | None, dimensions: int) -> dict[str, Any]:
    """The same in Ollama's own API."""
    completion = build_completion(body, fault, dimensions)
    if "choices" not in completion:
        return completion
    [choice] = completion["choices"]
    message = choice["message"]
    if fault is Fault.REASONING_FIELD:
        message["thinking"] = message.pop("reasoning")
    return {
        "model": completion["model"],
        "message": message,
        "done": True,
        "done_reason": choice["finish_reason"],
        "prompt_eval_count": completion["usage"]["prompt_tokens"],
        "eval_count": completion["usage"]["completion_tokens"],
    }


def build_ollama_embeddings(
    body: dict[str, Any], fault: Fault | None, dimensions: int
) -> dict[str, Any]:
    response = build_embeddings(body, fault, dimensions)
    vectors = [item["embedding"] for item in response["data"]]
    return {"model": response["model"], "embeddings": vectors, "prompt_eval_count": 1}


def build_embeddings(body: dict[str, Any], fault: Fault | None, dimensions: int) -> dict[str, Any]:
    size = int(body.get("dimensions") or dimensions) + (fault is Fault.WRONG_SIZE)
    data = [
        {"object": "embedding", "index": index, "embedding": _encode_vector(text, size, body)}
        for index, text in enumerate(inputs(body)[fault is Fault.MISFIT :])
    ]
    if fault in styles.VECTORS:
        styles.VECTORS[fault](data)
    usage = _usage("".join(inputs(body)))
    return {"object": "list", "model": body.get("model", "fake"), "data": data, "usage": usage}


def _prompt(body: dict[str, Any]) -> str:
    return "".join(str(message.get("content", "")) for message in body.get("messages", []))


def _usage(prompt: str, completion: str = "") -> dict[str, int]:
    """Estimates tokens by a rule of thumb: one for four characters."""
    usage = {"prompt_tokens": len(prompt) // 4, "completion_tokens": len(completion) // 4}
    return {**usage, "total_tokens": sum(usage.values())}


RESPONSES: dict[str, Callable[[dict[str, Any], Fault | None, int], dict[str, Any]]] = {
    "/chat/completions": build_completion,
    "/embeddings": build_embeddings,
    "/api/chat": build_ollama_chat,
    "/api/embed": build_ollama_embeddings,
}


def _content(body: dict[str, Any], fault: Fault | None) -> str:
    schema, text = _schema(body), text_of(body)
    if fault is Fault.NONSENSE:
        return "The weather is lovely, is it not?"
    if fault is Fault.MISFIT:
        return json.dumps({"unasked": True})
    if schema is None:
        return "Understood."
    if fault is Fault.FLOOD:
        return json.dumps(rules.flood(schema))
    injected = rules.find_injection(text) if fault is Fault.OBEDIENT else None
    value = injected or rules.answer(schema, text)
    if fault in styles.TEXTS:
        return styles.TEXTS[fault](value)
    answer = json.dumps(value, ensure_ascii=False)
    if fault is Fault.FENCE:
        return f"Here you are:\n\n```json\n{answer}\n```\n"
    return f"Sure! {answer} Anything else?" if fault is Fault.PROSE else answer


def _schema(body: dict[str, Any]) -> dict[str, Any] | None:
    schema = body.get("response_format", {}).get("json_schema", {}).get("schema")
    schema = schema or body.get("format")
    if isinstance(schema, dict):
        return dict(schema)
    first = body["messages"][0]["content"]
    in_prompt = _SCHEMA_IN_PROMPT.search(first)
    return dict(json.JSONDecoder().raw_decode(first, in_prompt.end())[0]) if in_prompt else None


def inputs(body: dict[str, Any]) -> list[str]:
    """The texts to embed."""
    if "input" not in body:
        return []
    return [body["input"]] if isinstance(body["input"], str) else list(body["input"])


def _encode_vector(text: str, size: int, body: dict[str, Any]) -> list[float] | str:
    vector = rules.vector(text, size)
    if body.get("encoding_format") != "base64":
        return vector
    return base64.b64encode(struct.pack(f"<{size}f", *vector)).decode()
