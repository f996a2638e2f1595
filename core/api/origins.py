"""Which web pages may call: for what a browser would send for any page that somebody visits."""

from __future__ import annotations

from corsheaders.conf import conf as cors
from django.http import HttpRequest
from rest_framework.request import Request

ORIGIN_NOT_ALLOWED = "A web page that CORS_ALLOWED_ORIGINS does not name may not call"


def has_allowed_origin(request: HttpRequest | Request) -> bool:
    """Tell whether a request comes from no other page than those that are named.

    A program sends neither of these headers, and is not meant.
    """
    origin = request.headers.get("Origin")
    if origin is None:
        # Only browsers send this one. An image or a link on another page has no Origin.
        return request.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin")
    # Its own documentation. The Host was compared with ALLOWED_HOSTS before.
    own = f"{request.scheme}://{request.get_host()}"
    return origin == own or origin in cors.CORS_ALLOWED_ORIGINS
