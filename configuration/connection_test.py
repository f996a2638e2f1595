"""Send the configured models a test request."""

from __future__ import annotations

import time

from .effective import current_settings
from .providers import get_embedder, get_language_model

# Seconds. An operator waits for the response.
TIMEOUT = 15.0

RESPONSE_SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
    "additionalProperties": False,
}


def ping_llm() -> str:
    """Describe the language model's response. Raises ProviderError."""
    settings = current_settings().llm
    llm = get_language_model(settings)
    if llm is None:
        return "No language model is configured: memories are stored as they are sent."
    started = time.perf_counter()
    llm.complete(
        "This is a connection test.",
        [{"role": "user", "content": "Answer with the word yes."}],
        schema=RESPONSE_SCHEMA,
        name="connection_test",
        timeout=TIMEOUT,
    )
    return f"{settings.provider} ({settings.model}) responded in {_elapsed(started)}."


def ping_embedder() -> str:
    """Describe the embedding model's response. Raises ProviderError."""
    settings = current_settings().embedder
    started = time.perf_counter()
    vector = get_embedder(settings).embed_query("This is a connection test.", timeout=TIMEOUT)
    return (
        f"{settings.provider} ({settings.model}) responded in {_elapsed(started)}, with "
        f"{len(vector)} dimensions."
    )


def _elapsed(started: float) -> str:
    return f"{time.perf_counter() - started:.2f} seconds"
