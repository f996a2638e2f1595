"""A provider's key: a reference to an environment variable, or a secret that is kept sealed.

A variable `NAME` may be said by a file that `NAME_FILE` names, as every secret may.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from core import env

from . import encryption
from .providers import ProviderUnavailable

PREFIX = "env:"
MASK = "********"
LOST = f"{MASK} (lost: OPENMEMORY_SECRET_KEY has changed. Send the key again.)"
MAX_LENGTH = 4096

# So much of a secret is shown to recognise it by, and only of one that is long enough.
_SHOWN = 4
_LONG_ENOUGH = 20

_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")

# What a configured key may not be taken from, since it would be sent to a configured address:
# the secrets of this server, of its database and broker, and of the machine.
_NOT_FOR_PROVIDERS = re.compile(
    r"SECRET|PASSW|_PASS$|CREDENTIAL|PRIVATE|_(URL|URI|DSN)$|^(PG|AWS_|DJANGO_)|^CELERY_",
    re.IGNORECASE,
)


class KeyMissing(ProviderUnavailable):
    """The environment variable that holds the provider's key is not set."""

    code = "provider_key_missing"


class KeyLost(ProviderUnavailable):
    """The provider's key cannot be decrypted: OPENMEMORY_SECRET_KEY has changed. Send it again."""

    code = "provider_key_lost"


class UnknownMask(Exception):
    """A mask that is not the one of the key that is kept."""


@dataclass(frozen=True)
class Reference:
    """`env:NAME`: the key is what the environment says when it is needed."""

    name: str

    def shown(self) -> str:
        return f"{PREFIX}{self.name}"

    def stored(self) -> str:
        return self.shown()

    def is_set(self) -> bool:
        return bool(env.string(self.name) or env.string(f"{self.name}_FILE"))

    def resolve(self) -> str:
        """Raises KeyMissing."""
        # Asked again here: what may be named can have become less since it was configured.
        if reference_fault(self.shown()):
            raise KeyMissing(f"A key is not taken from the environment variable {self.name}.")
        try:
            secret = env.secret(self.name)
        except ImproperlyConfigured as error:  # of its file
            raise KeyMissing(f"The file that {self.name}_FILE names holds no key.") from error
        if not secret:
            raise KeyMissing(f"The environment variable {self.name} holds no key: it is not set.")
        if not _PRINTABLE.fullmatch(secret):
            raise KeyMissing(f"What the environment variable {self.name} holds is no key.")
        return secret


@dataclass(frozen=True)
class SealedKey:
    """A literal key, encrypted, and the origin of the server that it was entered for."""

    token: str
    origin: str | None

    @classmethod
    def of(cls, secret: str, *, origin: str | None) -> SealedKey:
        return cls(encryption.seal(secret), origin)

    def shown(self) -> str:
        try:
            secret = encryption.unseal(self.token)
        except encryption.Unreadable:
            return LOST
        return MASK + (secret[-_SHOWN:] if len(secret) >= _LONG_ENOUGH else "")

    def stored(self) -> dict[str, str | None]:
        return {"sealed": self.token, "origin": self.origin}

    def resolve(self) -> str:
        """Raises KeyLost."""
        try:
            return encryption.unseal(self.token)
        except encryption.Unreadable:
            raise KeyLost from None

    def renewed(self) -> SealedKey:
        """The same key, encrypted with the present secret key where that is possible."""
        try:
            return SealedKey(encryption.renew(self.token), self.origin)
        except encryption.Unreadable:
            return self


Key = Reference | SealedKey


def from_stored(value: Any) -> Key | None:
    if isinstance(value, str):
        return Reference(value.removeprefix(PREFIX))
    return SealedKey(value["sealed"], value["origin"]) if value else None


def from_text(text: str, *, kept: Key | None, origin: str | None) -> Key:
    """Read what a client sent as a key; the mask of the kept one stands for that.

    Raises UnknownMask.
    """
    if text.startswith(PREFIX):
        return Reference(text.removeprefix(PREFIX))
    if not text.startswith(MASK):
        return SealedKey.of(text, origin=origin)
    if isinstance(kept, SealedKey) and text == kept.shown():
        return kept
    raise UnknownMask


def fault(text: str) -> str | None:
    """Say what is wrong with a key that a client sends, None when nothing is."""
    if text == LOST:
        return None
    if text.startswith(PREFIX):
        return reference_fault(text)
    return None if _PRINTABLE.fullmatch(text) else "A key is printable ASCII without spaces."


def reference_fault(text: str) -> str | None:
    name = text.removeprefix(PREFIX)
    if not _NAME.fullmatch(name):
        return f"Name an environment variable, such as {PREFIX}OPENAI_API_KEY."
    if _NOT_FOR_PROVIDERS.search(name):
        return f"{name} is not for providers: keep their keys in variables of their own."
    return None
