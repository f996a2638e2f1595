from __future__ import annotations

from rest_framework.permissions import SAFE_METHODS


def is_safe_request(view: object, *, method: str | None, action: str | None) -> bool:
    """Whether a request only reads: by its method, or as one of the view's `safe_actions`.

    These are actions that read, but are sent with POST.
    """
    return method in SAFE_METHODS or action in getattr(view, "safe_actions", ())
