"""Whether clients without a key are accepted: only if no other machine can reach the server.

Rationale: docs/decisions/0009-legacy-clients.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.core.exceptions import ImproperlyConfigured

from .exposure import is_loopback

# The origins of the original server's own page.
ORIGINS = ["http://localhost:3000", "http://127.0.0.1:3000"]


def allow_legacy_clients(
    mode: str, *, host: str, allowed_hosts: Sequence[str], proxies: int
) -> bool:
    """Evaluate OPENMEMORY_LEGACY_CLIENTS: `0`, `1` or `force`.

    Raises ImproperlyConfigured if `1` would accept clients on other machines.
    """
    if mode != "1":
        return mode == "force"
    if not is_loopback(host):
        raise _unsafe(f"the server listens on HOST={host}, which other machines can reach")
    if proxies:
        raise _unsafe("OPENMEMORY_TRUSTED_PROXIES says that clients arrive through a proxy")
    wildcards = [name for name in allowed_hosts if name.startswith(("*", "."))]
    if wildcards:
        raise _unsafe(f"OPENMEMORY_ALLOWED_HOSTS has the wildcard {wildcards[0]}")
    return True


def _unsafe(reason: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        f"OPENMEMORY_LEGACY_CLIENTS=1 accepts clients without a key, but {reason}. "
        "To accept them anyway, set it to force."
    )
