"""Measure and trace the calls of models that run elsewhere: never what is sent or answered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import openai
from opentelemetry.trace import SpanKind

from configuration.errors import ProviderFailed
from core.observability import metrics, tracing

# As OpenAI's API calls what our metrics call so.
TOKENS = {"prompt_tokens": "input", "completion_tokens": "output"}


@contextmanager
def measured(provider: str, model: str, path: str) -> Iterator[None]:
    """Measure one call, with how it ended: `ok`, or the code of the error."""
    outcome = "failed"
    attributes = {"provider": provider, "model": model}
    try:
        with (
            metrics.timed(metrics.PROVIDER_SECONDS, provider, model),
            tracing.span(f"call {path}", SpanKind.CLIENT, **attributes),
        ):
            yield
        outcome = "ok"
    except ProviderFailed as error:
        outcome = error.code
        raise
    except openai.APIStatusError:
        outcome = "refused"
        raise
    finally:
        metrics.PROVIDER_CALLS.labels(provider, model, outcome).inc()


def note_tokens(provider: str, model: str, answer: Any) -> None:
    """Count what the provider says that a call has used, where it says so."""
    match answer:
        case {"usage": {**usage}}:
            for name, direction in TOKENS.items():
                used = usage.get(name)
                if isinstance(used, int) and used > 0:
                    metrics.PROVIDER_TOKENS.labels(provider, model, direction).inc(used)
