"""A provider's API key: a reference to an environment variable, or an encrypted literal.

A variable `NAME` can also be set through a file that `NAME_FILE` names, like every secret.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from core import env

from . import encryption
from .errors import ProviderUnavailable

PREFIX = "env:"
MASK = "********"
LOST = f"{MASK} (lost: OPENMEMORY_SECRET_KEY has changed. Send the key again.)"
MAX_LENGTH = 4096

# The mask shows this many last characters, and only of a key that is long enough.
_MASK_TAIL = 4
_MIN_LENGTH_FOR_TAIL = 20

_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")

# Variables that a key must not be read from, as it is sent to a configured URL: the secrets of
# this server, of its database and broker, and of the machine.
_FORBIDDEN_VARIABLES = re.compile(
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
    """The mask is not that of the stored key."""


@dataclass(frozen=True)
class KeyReference:
    """`env:NAME`: the key is read from the environment each time it is needed."""

    name: str

    def display(self) -> str:
        return f"{PREFIX}{self.name}"

    def to_json(self) -> str:
        return self.display()

    def problem(self) -> str | None:
        """What is wrong with the name of the variable, None if it is valid."""
        return check_key_reference(self.display())

    def is_set(self) -> bool:
        return bool(env.string(self.name) or env.string(f"{self.name}_FILE"))

    def resolve(self) -> str:
        """Raises KeyMissing."""
        # Checked again here: a variable may have been forbidden after it was configured.
        if self.problem():
            raise KeyMissing(f"A key cannot be read from the environment variable {self.name}.")
        try:
            secret = env.secret(self.name)
        except ImproperlyConfigured as error:  # of its file
            raise KeyMissing(f"The file that {self.name}_FILE names contains no key.") from error
        if not secret:
            raise KeyMissing(
                f"The environment variable {self.name} is not set. It must contain the key."
            )
        if not _PRINTABLE.fullmatch(secret):
            raise KeyMissing(f"The environment variable {self.name} does not contain a valid key.")
        return secret


@dataclass(frozen=True)
class EncryptedKey:
    """A literal key, encrypted, and the origin of the server that it was entered for."""

    token: str
    origin: str | None

    @classmethod
    def encrypt(cls, secret: str, *, origin: str | None) -> EncryptedKey:
        return cls(encryption.encrypt(secret), origin)

    def display(self) -> str:
        """The mask of the key."""
        try:
            secret = encryption.decrypt(self.token)
        except encryption.DecryptionFailed:
            return LOST
        return MASK + (secret[-_MASK_TAIL:] if len(secret) >= _MIN_LENGTH_FOR_TAIL else "")

    def to_json(self) -> dict[str, str | None]:
        return {"sealed": self.token, "origin": self.origin}

    def resolve(self) -> str:
        """Raises KeyLost."""
        try:
            return encryption.decrypt(self.token)
        except encryption.DecryptionFailed:
            raise KeyLost from None

    def reencrypted(self) -> EncryptedKey:
        """The same key, encrypted with the current secret key if it can be decrypted."""
        try:
            return EncryptedKey(encryption.reencrypt(self.token), self.origin)
        except encryption.DecryptionFailed:
            return self


Key = KeyReference | EncryptedKey


def load_key(value: Any) -> Key | None:
    """Read a key from stored JSON."""
    if isinstance(value, str):
        return KeyReference(value.removeprefix(PREFIX))
    return EncryptedKey(value["sealed"], value["origin"]) if value else None


def parse_key(text: str, *, stored: Key | None, origin: str | None) -> Key:
    """Read a key that a client sent. The mask of the stored key stands for that key.

    Raises UnknownMask.
    """
    if text.startswith(PREFIX):
        return KeyReference(text.removeprefix(PREFIX))
    if not text.startswith(MASK):
        return EncryptedKey.encrypt(text, origin=origin)
    if isinstance(stored, EncryptedKey) and text == stored.display():
        return stored
    raise UnknownMask


def check_key(text: str) -> str | None:
    """Return what is wrong with a key that a client sent, None if it is valid."""
    if text == LOST:
        return None
    if text.startswith(PREFIX):
        return check_key_reference(text)
    return None if _PRINTABLE.fullmatch(text) else "A key must be printable ASCII without spaces."


def check_key_reference(text: str) -> str | None:
    """Return what is wrong with `env:NAME`, None if it is valid."""
    name = text.removeprefix(PREFIX)
    if not _VARIABLE_NAME.fullmatch(name):
        return f"Enter the name of an environment variable, such as {PREFIX}OPENAI_API_KEY."
    if _FORBIDDEN_VARIABLES.search(name):
        return f"{name} cannot be used for a provider's key. Set the key in another variable."
    return None
