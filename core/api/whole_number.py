"""Whole numbers, as clients write them."""

from __future__ import annotations

import re
from typing import Any

_DIGITS = re.compile(r"[0-9]{1,10}", re.ASCII)


def as_whole_number(value: Any) -> int | None:
    """A whole number of JSON, also as 10.0: some languages write every number so."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def parse_whole_number(value: Any) -> int | None:
    """A whole number of JSON, or up to ten digits of a query. None for anything else."""
    if isinstance(value, str):
        return int(value) if _DIGITS.fullmatch(value) else None
    return as_whole_number(value)
