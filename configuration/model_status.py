"""Whether the configured models can be called at the moment, told without a call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from core.errors import OpenMemoryError

from . import effective
from .providers.client import Endpoint


@dataclass(frozen=True)
class ModelStatus:
    """A language model or an embedder. It is `down` while its circuit breaker is open.

    `problem` is why it cannot be called at all, such as a missing key.
    """

    role: str
    name: str
    down: bool = False
    problem: str = ""

    @property
    def summary(self) -> str:
        return self.problem or f"{self.name}{', not responding' if self.down else ''}"


def read_model_statuses() -> Iterator[ModelStatus]:
    current = effective.current_settings()
    for role, model_settings in (("Language model", current.llm), ("Embedder", current.embedder)):
        name = (
            "none"
            if model_settings.model is None
            else f"{model_settings.provider}: {model_settings.model}"
        )
        try:
            endpoint = Endpoint.from_settings(model_settings)
        except OpenMemoryError as error:
            yield ModelStatus(role, name, problem=error.detail)
        else:
            yield ModelStatus(role, name, down=endpoint is not None and endpoint.is_circuit_open)
