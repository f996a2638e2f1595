from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def apply_merge_patch(value: Any, patch: Any) -> Any:
    """Apply a JSON merge patch of RFC 7396: objects are merged, null removes, all else replaces."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(value) if isinstance(value, Mapping) else {}
    for name, change in patch.items():
        if change is None:
            merged.pop(name, None)
        else:
            merged[name] = apply_merge_patch(merged.get(name), change)
    return merged
