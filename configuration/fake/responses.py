"""The bodies of the fake model's answers."""

from __future__ import annotations

import base64
import json
import re
import struct
from collections.abc import Callable
from typing import Any

from . import rules
from .faults import Fault

_SCHEMA_IN_WORDS = re.compile(r"JSON schema:\n(\{.*\})", re.DOTALL)


def text_of(body: dict[str, Any]) -> str:
    """All that a call sends the model to look at: the first message of the user, or the texts."""
    if "input" in body:
        return "\n".join(inputs(body))
    said = [each["content"] for each in body.get("messages", []) if each["role"] == "user"]
    return said[0] if said else ""


def completion(body: dict[str, Any], fault: Fault | None, dimensions: int) -> dict[str, Any]:
    content: str | None = _content(body, fault)
    message = {"role": "assistant", "content": content, "refusal": None}
    reason = "stop"
    if fault is Fault.REFUSAL:
        message |= {"content": None, "refusal": "I cannot help with that."}
    elif fault is Fault.ROOM:
        message["content"] = (content or "")[:20]
        reason = "length"
    return {
        "id": "chatcmpl-fake",
        "object": "chat.completion",
        "created": 0,
        "model": body.get("model", "fake"),
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": _usage(_all_said(body), content or ""),
    }


def embeddings(body: dict[str, Any], fault: Fault | None, dimensions: int) -> dict[str, Any]:
    size = int(body.get("dimensions") or dimensions) + (fault is Fault.WRONG_SIZE)
    data = [
        {"object": "embedding", "index": index, "embedding": _encoded(text, size, body)}
        for index, text in enumerate(inputs(body)[fault is Fault.MISFIT :])
    ]
    usage = _usage("".join(inputs(body)))
    return {"object": "list", "model": body.get("model", "fake"), "data": data, "usage": usage}


def _all_said(body: dict[str, Any]) -> str:
    return "".join(str(each.get("content", "")) for each in body.get("messages", []))


def _usage(sent: str, answered: str = "") -> dict[str, int]:
    """Tokens as a rule of thumb has them: one for four characters."""
    used = {"prompt_tokens": len(sent) // 4, "completion_tokens": len(answered) // 4}
    return {**used, "total_tokens": sum(used.values())}


ANSWERS: dict[str, Callable[[dict[str, Any], Fault | None, int], dict[str, Any]]] = {
    "/chat/completions": completion,
    "/embeddings": embeddings,
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
    obeyed = rules.obeyed(text) if fault is Fault.OBEDIENT else None
    answer = json.dumps(obeyed or rules.answer(schema, text), ensure_ascii=False)
    if fault is Fault.FENCE:
        return f"Here you are:\n\n```json\n{answer}\n```\n"
    return f"Sure! {answer} Anything else?" if fault is Fault.PROSE else answer


def _schema(body: dict[str, Any]) -> dict[str, Any] | None:
    wanted = body.get("response_format", {}).get("json_schema", {}).get("schema")
    if wanted:
        return dict(wanted)
    system = "".join(each["content"] for each in body["messages"] if each["role"] == "system")
    in_words = _SCHEMA_IN_WORDS.search(system)
    return dict(json.loads(in_words[1])) if in_words else None


def inputs(body: dict[str, Any]) -> list[str]:
    """The texts to embed."""
    if "input" not in body:
        return []
    return [body["input"]] if isinstance(body["input"], str) else list(body["input"])


def _encoded(text: str, size: int, body: dict[str, Any]) -> list[float] | str:
    vector = rules.vector(text, size)
    if body.get("encoding_format") != "base64":
        return vector
    return base64.b64encode(struct.pack(f"<{size}f", *vector)).decode()
