"""What the pages of imports and exports show of a job, and read of its button."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import BadRequest


def name_counts(result: Mapping[str, Any]) -> list[tuple[str, int]]:
    """The counts of a job's result but for zeros, with names to read."""
    return [
        (name.replace("_", " "), count)
        for name, count in result.items()
        if isinstance(count, int) and count
    ]


def parse_job_id(text: str) -> uuid.UUID:
    """Raises BadRequest."""
    try:
        return uuid.UUID(text)
    except ValueError:
        raise BadRequest("This is not the id of a job.") from None
