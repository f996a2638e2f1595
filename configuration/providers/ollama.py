"""What is particular to Ollama: it answers from the part of a prompt that fits, unless told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from configuration.errors import InputTooLong, ProviderError

_WORD = re.compile(r"[a-zA-Z]{2,}")

# Rules of thumb, on the safe side: a word is at least one token, and a token a character or more.
_LEAST_TOKENS_PER_WORD = 0.7
_LEAST_CHARACTERS_PER_TOKEN = 1
# What Ollama takes by default, at the least.
_SMALLEST_CONTEXT = 2048


def lacks_own_api(error: ProviderError) -> bool:
    """Whether a server serves OpenAI's API only: there is no such path, whatever the model."""
    is_missing = error.status in (404, 405, 501)
    return is_missing and not ("model" in error.said and "not found" in error.said)


def check_prompt(request: Mapping[str, Any], response: Any, *, asked: str) -> None:
    """Raise InputTooLong if the prompt was cut: versions before 0.12.6 do so, and say nothing."""
    count = response.get("prompt_eval_count") if isinstance(response, dict) else None
    if not isinstance(count, int) or isinstance(count, bool) or count <= 0:
        return
    num_ctx = request.get("options", {}).get("num_ctx")
    text = "\n".join(message["content"] for message in request["messages"])
    if len(text) < _LEAST_CHARACTERS_PER_TOKEN * (num_ctx or _SMALLEST_CONTEXT):
        return  # it fits; old versions do not count the part of a prompt that they have seen before
    words = len(_WORD.findall(text))
    if (num_ctx and count >= num_ctx) or count < words * _LEAST_TOKENS_PER_WORD:
        raise InputTooLong(
            f"{asked} has seen only a part of the prompt, {count} tokens: increase `num_ctx`"
            f"{f', which is {num_ctx}' if num_ctx else ''}."
        )
