"""Asking the configured models something, to see whether they answer."""

from __future__ import annotations

import time

from . import effective
from .providers import completer_for, embedder_for

# Seconds that a person who asks waits at most.
PATIENCE = 15.0

SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
    "additionalProperties": False,
}


def try_llm() -> str:
    """Say how the language model has answered. Raises ProviderFailed."""
    settings = effective.current().llm
    completer = completer_for(settings)
    if completer is None:
        return "No language model is configured: memories are kept as they are sent."
    started = time.perf_counter()
    completer.complete(
        "Somebody sees whether you can be reached.",
        [{"role": "user", "content": "Answer with the word yes."}],
        schema=SCHEMA,
        name="reachable",
        within=PATIENCE,
    )
    return f"{settings.provider} ({settings.model}) has answered in {_since(started)}."


def try_embedder() -> str:
    """Say how the embedding model has answered. Raises ProviderFailed."""
    settings = effective.current().embedder
    started = time.perf_counter()
    vector = embedder_for(settings).embed_query("Can you be reached?", within=PATIENCE)
    return (
        f"{settings.provider} ({settings.model}) has answered in {_since(started)}, with "
        f"{len(vector)} dimensions."
    )


def _since(started: float) -> str:
    return f"{time.perf_counter() - started:.2f} seconds"
