"""Metrics and traces of calls to remote models, without what is sent or answered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import openai
from opentelemetry.trace import SpanKind

from configuration.errors import ProviderError
from core.observability import metrics, tracing

# OpenAI's name of a token count → the metric's `direction`.
TOKENS = {"prompt_tokens": "input", "completion_tokens": "output"}


@contextmanager
def measure_call(provider: str, model: str, path: str) -> Iterator[None]:
    """Measure one call. Its outcome is `ok`, or the code of the error."""
    outcome = "failed"
    attributes = {"provider": provider, "model": model}
    try:
        with (
            metrics.timed(metrics.PROVIDER_SECONDS, provider, model),
            tracing.span(f"call {path}", SpanKind.CLIENT, **attributes),
        ):
            yield
        outcome = "ok"
    except ProviderError as error:
        outcome = error.code
        raise
    except openai.APIStatusError:
        outcome = "refused"
        raise
    finally:
        metrics.PROVIDER_CALLS.labels(provider, model, outcome).inc()


def count_tokens(provider: str, model: str, response: Any) -> None:
    """Count the tokens that a response reports, if it does."""
    match response:
        case {"usage": {**usage}}:
            for name, direction in TOKENS.items():
                count = usage.get(name)
                if isinstance(count, int) and count > 0:
                    metrics.PROVIDER_TOKENS.labels(provider, model, direction).inc(count)
