"""What a program asks of the language model that reads its texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Guidance:
    """Instructions beside those of the operator, and the categories in place of the allowed ones.

    Each category has a description, which may be empty.
    """

    instructions: str = ""
    categories: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_job(cls, parameters: Mapping[str, Any]) -> Guidance:
        return cls(**parameters.get("guidance", {}))

    def parameters(self) -> dict[str, Any]:
        """As parameters of a job. Nothing where nothing is asked."""
        return {"guidance": asdict(self)} if self != Guidance() else {}
