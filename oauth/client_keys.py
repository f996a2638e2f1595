"""The public keys of clients that sign what they send, from their documents (RFC 7517)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey

from .json_document import DocumentUnusable, fetch_object
from .models import OAuthClient

MAX_BYTES = 64 * 1024
MAX_KEYS = 20
RSA_BITS = range(2048, 8200)
# Keys are fetched again when a token is asked for after this time, so that one that its client has
# removed is void; and sooner for a key that is not known, as clients change theirs.
FRESH_FOR = timedelta(minutes=15)
RETRY_AFTER = timedelta(minutes=1)

_KINDS: dict[str, type[RSAKey] | type[ECKey]] = {"RSA": RSAKey, "EC": ECKey}
_MEMBERS = ("kty", "kid", "use", "alg", "n", "e", "crv", "x", "y")


def read_keys(values: object) -> dict[str, Any]:
    """Return the keys that can check a signature. Raises DocumentUnusable if there are none."""
    listed = values.get("keys") if isinstance(values, Mapping) else None
    keys = listed[:MAX_KEYS] if isinstance(listed, list) else []
    usable = [each for each in keys if isinstance(each, Mapping) and _is_usable(each)]
    if not usable:
        raise DocumentUnusable("This program has no public key that can check a signature.")
    return {"keys": [{name: key[name] for name in _MEMBERS if name in key} for key in usable]}


def _is_usable(key: Mapping[str, Any]) -> bool:
    kind = _KINDS.get(str(key.get("kty")))
    if kind is None or "d" in key or key.get("use", "sig") != "sig":
        return False
    if kind is RSAKey and 6 * len(str(key.get("n", ""))) not in RSA_BITS:
        return False  # before it is made
    try:
        imported = kind.import_key({name: key[name] for name in _MEMBERS if name in key})
        public = imported.public_key
    except (JoseError, ValueError, TypeError, KeyError):
        return False
    return isinstance(imported, ECKey) or public.key_size in RSA_BITS


def fetch_keys(address: str) -> dict[str, Any]:
    """Raises DocumentUnusable."""
    return read_keys(fetch_object(address, max_bytes=MAX_BYTES))


def key_set(client: OAuthClient) -> KeySet:
    keys: Any = client.keys
    return KeySet.import_key_set(keys)


def renew_keys(client_id: str, *, kid: str | None) -> None:
    """Fetch the keys of a client again if they may have changed. Those it had stay if that fails.

    Asked by anybody, so that it is bounded: one request at a time and in a minute.
    """
    client = OAuthClient.objects.filter(client_id=client_id).exclude(keys_uri="").first()
    if client is None:
        return
    known = {key.get("kid") for key in (client.keys or {}).get("keys", [])}
    age = FRESH_FOR if kid is None or kid in known else RETRY_AFTER
    now = timezone.now()
    is_old = Q(keys_tried_at=None) | Q(keys_tried_at__lt=now - age)
    if not OAuthClient.objects.filter(is_old, pk=client.pk).update(keys_tried_at=now):
        return
    try:
        keys = fetch_keys(client.keys_uri)
    except DocumentUnusable:
        return
    OAuthClient.objects.filter(pk=client.pk, keys_uri=client.keys_uri).update(keys=keys)
