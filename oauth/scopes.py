"""The scopes of keys, as OAuth writes them: in one string, with spaces."""

from __future__ import annotations

from collections.abc import Collection

from accounts.models import Scope

SCOPES = " ".join(Scope.values)

# Clients ask for it to be given a refresh token. All of them are given one.
OFFLINE = "offline_access"


def normalize(text: str | None) -> str | None:
    """Return the known scopes, by default all of them. None if one is not known."""
    asked = set((text or SCOPES).split()) - {OFFLINE}
    if not asked <= set(Scope.values):
        return None
    return join(asked or Scope.values)


def join(scopes: Collection[str]) -> str:
    return " ".join(scope for scope in Scope.values if scope in scopes)
