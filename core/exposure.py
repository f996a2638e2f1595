"""Whether others than the programs of this machine reach the server, and what it has to be then.

Why so: docs/decisions/0019-exposed-servers.md.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from django.core.exceptions import ImproperlyConfigured

# What OPENMEMORY_ALLOW_INSECURE may allow.
RISKS = ["debug", "hosts", "http", "secret"]

# A secret of which Django says the same (security.W009).
SHORTEST_SECRET = 50
FEWEST_CHARACTERS = 5
WELL_KNOWN_SECRET = "django-insecure-"  # noqa: S105

LOCAL_NAMES = ["localhost", "127.0.0.1", "[::1]"]


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True)
class PublicAddress:
    """Where people reach the server, as OPENMEMORY_PUBLIC_URL says it."""

    scheme: str
    host: str
    origin: str

    @property
    def is_https(self) -> bool:
        return self.scheme == "https"

    @classmethod
    def read(cls, url: str, *, proxies: int) -> PublicAddress | None:
        """Raises ImproperlyConfigured."""
        if not url:
            return None
        parts = _split(url)
        if parts.scheme == "https" and not proxies:
            raise ImproperlyConfigured(
                "OPENMEMORY_PUBLIC_URL begins with https, which a proxy before the server has to "
                "speak: say in OPENMEMORY_TRUSTED_PROXIES how many there are, such as 1."
            )
        host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else str(parts.hostname)
        return cls(parts.scheme, host, f"{parts.scheme}://{parts.netloc.lower()}")


def _split(url: str) -> SplitResult:
    wrong = ImproperlyConfigured(
        "OPENMEMORY_PUBLIC_URL is not an address such as https://memory.example.org, without a "
        "path, a user or a password."
    )
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # a port that is no number
        raise wrong from None
    if not known or "@" in parts.netloc or parts.path.strip("/") or parts.query or parts.fragment:
        raise wrong
    return parts


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """What decides whether the server may be started as it is set."""

    host: str
    proxies: int
    public: PublicAddress | None
    debug: bool
    allowed_hosts: Sequence[str]
    secret_key: str
    # Whether that key was made by this machine, and the database is one that others may share.
    secret_is_its_own: bool

    @property
    def reaches_others(self) -> bool:
        named = self.public is not None and not is_loopback(self.public.host)
        return not is_loopback(self.host) or self.proxies > 0 or named

    def ensure_safe(self, allowed: Sequence[str]) -> None:
        """Raises ImproperlyConfigured with a sentence for each risk that is not allowed."""
        if not self.reaches_others:
            return
        risks = {risk: sentence for risk, sentence in self._risks() if risk not in allowed}
        if risks:
            raise ImproperlyConfigured(
                "others can reach this server, and so it is not started like this.\n- "
                + "\n- ".join(risks.values())
                + f"\nTo do it all the same: OPENMEMORY_ALLOW_INSECURE={','.join(risks)}"
            )

    def _risks(self) -> Iterator[tuple[str, str]]:
        if self.debug:
            yield "debug", "OPENMEMORY_DEBUG shows the server's inside with every error: unset it."
        if "*" in self.allowed_hosts:
            yield (
                "hosts",
                "OPENMEMORY_ALLOWED_HOSTS=* answers to any name, and so to other people's web "
                "pages: list the names that the server has.",
            )
        if not self._is_private_on_its_way():
            yield (
                "http",
                "Keys, passwords and memories would go over plain HTTP, where others can read "
                "them: put a proxy that speaks HTTPS before it, and say so with "
                "OPENMEMORY_PUBLIC_URL=https://… and OPENMEMORY_TRUSTED_PROXIES=1. Where only "
                "programs of the same machine reach it, as with a container's port: "
                "OPENMEMORY_PUBLIC_URL=http://localhost:8000.",
            )
        if fault := self._fault_of_secret():
            yield "secret", fault

    def _is_private_on_its_way(self) -> bool:
        public = self.public
        return public is not None and (public.is_https or is_loopback(public.host))

    def _fault_of_secret(self) -> str | None:
        make = "python3 -c 'import secrets; print(secrets.token_urlsafe(50))' makes one."
        if self.secret_is_its_own:
            return (
                "OPENMEMORY_SECRET_KEY is not set, and each machine that shares DATABASE_URL would "
                f"make another one, which the others cannot read by: {make}"
            )
        if (
            len(self.secret_key) < SHORTEST_SECRET
            or len(set(self.secret_key)) < FEWEST_CHARACTERS
            or self.secret_key.startswith(WELL_KNOWN_SECRET)
        ):
            return (
                f"OPENMEMORY_SECRET_KEY can be guessed: it has fewer than {SHORTEST_SECRET} "
                f"characters, or is an example. {make}"
            )
        return None
