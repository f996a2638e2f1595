"""Forget what was learnt of former servers, which may have had the same port."""

from __future__ import annotations

from configuration.providers import embedder, llm


def forget_servers() -> None:
    llm._dialects.clear()
    embedder._fixed_dimensions.clear()
    embedder._without_own_api.clear()
    embedder._batch_sizes.clear()
