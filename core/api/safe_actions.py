from __future__ import annotations

from rest_framework.permissions import SAFE_METHODS


def is_safe_request(view: object, *, method: str | None, action: str | None) -> bool:
    """Whether a request only reads.

    A view, or its class, names in `safe_actions` the actions that do though they are sent
    with POST.
    """
    return method in SAFE_METHODS or action in getattr(view, "safe_actions", ())
