"""Fetch what a program publishes about itself: a JSON object, from the public web alone.

Whoever asks for consent chooses what is fetched, so that it is bounded: no private address, no
other port than that of https, no redirect, a few seconds, a few kilobytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from core import public_http
from core.errors import Unprocessable

SECONDS = 5.0
# Beside those of a server that fails: too slow, too early, too many requests.
_PASSING = (408, 425, 429)


class DocumentUnusable(Unprocessable):
    """The document about this program cannot be used.

    `detail` is the sentence `template` with its `values`, which pages say in another language.
    """

    code = "client_document_unusable"

    def __init__(self, template: str, **values: str) -> None:
        super().__init__(template % values if values else template)
        self.template = template
        self.values = values


class DocumentUnavailable(DocumentUnusable):
    """Its host does not answer at present, or says that it cannot."""


def fetch_object(address: str, *, max_bytes: int) -> Mapping[str, Any]:
    """Raises DocumentUnusable, and DocumentUnavailable for what may pass by itself."""
    policy = public_http.Policy(
        "OPENMEMORY_OAUTH_PRIVATE_HOSTS", settings.OAUTH_PRIVATE_HOSTS, ("https",), (443,)
    )
    headers = {"Accept": "application/json"}
    try:
        answer = public_http.send(
            "GET", address, policy, headers=headers, seconds=SECONDS, max_bytes=max_bytes
        )
    except public_http.DestinationRefused as error:
        raise DocumentUnusable(
            "The document about this program is not on the public web. Its host and port can be "
            "listed in OPENMEMORY_OAUTH_PRIVATE_HOSTS."
        ) from error
    except public_http.DestinationUnreachable as error:
        # Where somebody else answers in the place of its host, nothing is there to wait for.
        is_forged = isinstance(error, public_http.UntrustedCertificate)
        kind = DocumentUnusable if is_forged else DocumentUnavailable
        raise kind(_explain(error)) from error
    if answer.status != 200:
        passes = answer.status >= 500 or answer.status in _PASSING
        raise (DocumentUnavailable if passes else DocumentUnusable)(
            "The document about this program was answered with %(status)s.",
            status=str(answer.status),
        )
    return _parse(answer.body, max_bytes)


def _parse(body: bytes, max_bytes: int) -> Mapping[str, Any]:
    if len(body) > max_bytes:
        raise DocumentUnusable(
            "The document about this program has more than %(number)s bytes.",
            number=str(max_bytes),
        )
    try:
        values = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise DocumentUnusable("The document about this program is not JSON.") from error
    if not isinstance(values, dict):
        raise DocumentUnusable("The document about this program is not a JSON object.")
    return values


_UNREACHABLE: dict[type, str] = {
    public_http.DeadlinePassed: "it took too long",
    public_http.UnknownHost: "its host is not known",
    public_http.UntrustedCertificate: "its certificate is not valid",
}


def _explain(error: public_http.DestinationUnreachable) -> str:
    reason = _UNREACHABLE.get(type(error), "its host gives no answer")
    return f"The document about this program could not be fetched: {reason}."
