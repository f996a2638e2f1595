"""Whether clients without a key are let in: only where nobody else can be one.

Why so: docs/decisions/0009-legacy-clients.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.core.exceptions import ImproperlyConfigured

from .exposure import is_loopback

# Where the original's own page is served from.
ORIGINS = ["http://localhost:3000", "http://127.0.0.1:3000"]


def allow_legacy_clients(
    mode: str, *, host: str, allowed_hosts: Sequence[str], proxies: int
) -> bool:
    """Read OPENMEMORY_LEGACY_CLIENTS: `0`, `1` or `force`.

    Raises ImproperlyConfigured when `1` would let in more than the programs of this machine.
    """
    if mode != "1":
        return mode == "force"
    if not is_loopback(host):
        raise _refusal(f"the server listens on HOST={host}, where others can reach it")
    if proxies:
        raise _refusal("OPENMEMORY_TRUSTED_PROXIES says that others reach it through a proxy")
    open_to = [name for name in allowed_hosts if name.startswith(("*", "."))]
    if open_to:
        raise _refusal(f"OPENMEMORY_ALLOWED_HOSTS allows {open_to[0]}, and so any web page's name")
    return True


def _refusal(reason: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        f"OPENMEMORY_LEGACY_CLIENTS=1 lets in clients without a key, but {reason}. "
        "To do it all the same, set it to force."
    )
