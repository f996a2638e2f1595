from __future__ import annotations

from rest_framework.permissions import SAFE_METHODS


def only_reads(view: object, *, method: str | None, action: str | None) -> bool:
    """Whether a request only reads.

    A view, or its class, names in `reading_actions` the actions that do though they are sent
    with POST.
    """
    return method in SAFE_METHODS or action in getattr(view, "reading_actions", ())
