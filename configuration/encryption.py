"""Secrets as they are kept: encrypted with a key that is derived from the server's own."""

from __future__ import annotations

import base64
from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

# How it is encrypted. Another way gets another prefix, so that both can be read for a while.
_VERSION = "v1:"


class Unreadable(Exception):
    """This was encrypted with another secret key than the server has now."""


def seal(secret: str) -> str:
    return _VERSION + _ciphers().encrypt(secret.encode()).decode()


def unseal(token: str) -> str:
    """Raises Unreadable."""
    try:
        return _ciphers().decrypt(_body(token)).decode()
    except InvalidToken:
        raise Unreadable from None


def renew(token: str) -> str:
    """Encrypt with the present secret key what an older one encrypted. Raises Unreadable."""
    try:
        return _VERSION + _ciphers().rotate(_body(token)).decode()
    except InvalidToken:
        raise Unreadable from None


def _body(token: str) -> bytes:
    if not token.startswith(_VERSION):
        raise Unreadable
    return token.removeprefix(_VERSION).encode()


def _ciphers() -> MultiFernet:
    return MultiFernet([_cipher(key) for key in _secret_keys()])


def _secret_keys() -> list[str]:
    return [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]


@cache
def _cipher(secret_key: str) -> Fernet:
    # Derived for this one purpose: what Django signs tells nothing about what is encrypted here.
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"openmemory provider keys")
    return Fernet(base64.urlsafe_b64encode(derivation.derive(secret_key.encode())))
