"""Whether other machines can reach the server, and the requirements that this brings.

Rationale: docs/decisions/0019-exposed-servers.md.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from django.core.exceptions import ImproperlyConfigured

# Values of OPENMEMORY_ALLOW_INSECURE.
RISKS = ["debug", "hosts", "http", "secret"]

# The same criteria as Django's security.W009.
MIN_SECRET_LENGTH = 50
MIN_SECRET_CHARACTERS = 5
INSECURE_PREFIX = "django-insecure-"

LOCAL_NAMES = ["localhost", "127.0.0.1", "[::1]"]


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True)
class PublicAddress:
    """The URL of the server for its clients, from OPENMEMORY_PUBLIC_URL."""

    scheme: str
    host: str
    origin: str

    @property
    def is_https(self) -> bool:
        return self.scheme == "https"

    @classmethod
    def parse(cls, url: str, *, proxies: int) -> PublicAddress | None:
        """Raises ImproperlyConfigured."""
        if not url:
            return None
        parts = _split(url)
        if parts.scheme == "https" and not proxies:
            raise ImproperlyConfigured(
                "OPENMEMORY_PUBLIC_URL begins with https, which needs a reverse proxy: set "
                "OPENMEMORY_TRUSTED_PROXIES to the number of proxies, such as 1."
            )
        host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else str(parts.hostname)
        return cls(parts.scheme, host, f"{parts.scheme}://{parts.netloc.lower()}")


def _split(url: str) -> SplitResult:
    invalid = ImproperlyConfigured(
        "OPENMEMORY_PUBLIC_URL is not a URL such as https://memory.example.org, without a "
        "path, a user or a password."
    )
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # the port is not a number
        raise invalid from None
    if not valid or "@" in parts.netloc or parts.path.strip("/") or parts.query or parts.fragment:
        raise invalid
    return parts


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """The settings that decide whether the server is safe to start."""

    host: str
    proxies: int
    public: PublicAddress | None
    debug: bool
    allowed_hosts: Sequence[str]
    secret_key: str
    # Whether this machine generated the key although other machines may share its database.
    secret_is_local: bool

    @property
    def is_exposed(self) -> bool:
        has_public_name = self.public is not None and not is_loopback(self.public.host)
        return not is_loopback(self.host) or self.proxies > 0 or has_public_name

    def ensure_safe(self, allowed: Sequence[str]) -> None:
        """Raises ImproperlyConfigured with a message for each risk that is not allowed."""
        if not self.is_exposed:
            return
        risks = {risk: message for risk, message in self._risks() if risk not in allowed}
        if risks:
            raise ImproperlyConfigured(
                "the server is reachable from other machines, but is not secure.\n- "
                + "\n- ".join(risks.values())
                + f"\nTo start it anyway: OPENMEMORY_ALLOW_INSECURE={','.join(risks)}"
            )

    def _risks(self) -> Iterator[tuple[str, str]]:
        if self.debug:
            yield "debug", "OPENMEMORY_DEBUG shows internals with every error: unset it."
        if "*" in self.allowed_hosts:
            yield (
                "hosts",
                "OPENMEMORY_ALLOWED_HOSTS=* accepts any host name, which exposes the server to DNS "
                "rebinding: list the host names of the server.",
            )
        if not self._is_encrypted_or_local():
            yield (
                "http",
                "API keys, passwords and memories would be sent over plain HTTP: put a reverse "
                "proxy with HTTPS in front, and set OPENMEMORY_PUBLIC_URL=https://… and "
                "OPENMEMORY_TRUSTED_PROXIES=1. If only programs of the same machine reach the "
                "server, as with a published port of a container: "
                "OPENMEMORY_PUBLIC_URL=http://localhost:8000.",
            )
        if message := self._secret_risk():
            yield "secret", message

    def _is_encrypted_or_local(self) -> bool:
        public = self.public
        return public is not None and (public.is_https or is_loopback(public.host))

    def _secret_risk(self) -> str | None:
        advice = "python3 -c 'import secrets; print(secrets.token_urlsafe(50))' generates one."
        if self.secret_is_local:
            return (
                "OPENMEMORY_SECRET_KEY is not set. Machines that share DATABASE_URL would each "
                f"generate their own, and could not decrypt each other's data: {advice}"
            )
        if (
            len(self.secret_key) < MIN_SECRET_LENGTH
            or len(set(self.secret_key)) < MIN_SECRET_CHARACTERS
            or self.secret_key.startswith(INSECURE_PREFIX)
        ):
            return (
                f"OPENMEMORY_SECRET_KEY is weak: it has fewer than {MIN_SECRET_LENGTH} "
                f"characters, or is an example. {advice}"
            )
        return None
