"""Encrypt secrets for storage, with a key derived from the server's secret key."""

from __future__ import annotations

import base64
from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

# The encryption scheme. A new scheme gets a new prefix, so that tokens of both can be read.
_VERSION = "v1:"


class DecryptionFailed(Exception):
    """The token was encrypted with a secret key that the server no longer has."""


def encrypt(secret: str) -> str:
    return _VERSION + _cipher().encrypt(secret.encode()).decode()


def decrypt(token: str) -> str:
    """Raises DecryptionFailed."""
    try:
        return _cipher().decrypt(_ciphertext(token)).decode()
    except InvalidToken:
        raise DecryptionFailed from None


def reencrypt(token: str) -> str:
    """Encrypt with the current secret key what a former one encrypted. Raises DecryptionFailed."""
    try:
        return _VERSION + _cipher().rotate(_ciphertext(token)).decode()
    except InvalidToken:
        raise DecryptionFailed from None


def _ciphertext(token: str) -> bytes:
    if not token.startswith(_VERSION):
        raise DecryptionFailed
    return token.removeprefix(_VERSION).encode()


def _cipher() -> MultiFernet:
    """Encrypts with the current secret key, and decrypts with the former ones, too."""
    secret_keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([_derive_cipher(secret_key) for secret_key in secret_keys])


@cache
def _derive_cipher(secret_key: str) -> Fernet:
    # Derived for this one purpose: what Django signs reveals nothing about what is encrypted here.
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"openmemory provider keys")
    return Fernet(base64.urlsafe_b64encode(derivation.derive(secret_key.encode())))
