"""Which web pages may call: without a check, a browser sends requests for any page it shows."""

from __future__ import annotations

from corsheaders.conf import conf as cors
from django.http import HttpRequest
from rest_framework.request import Request

ORIGIN_NOT_ALLOWED = "The origin of this web page is not in CORS_ALLOWED_ORIGINS"


def has_allowed_origin(request: HttpRequest | Request) -> bool:
    """Whether a request comes from the server's own pages, an allowed origin, or no web page.

    Programs other than browsers send neither header, and pass.
    """
    origin = request.headers.get("Origin")
    if origin is None:
        # Only browsers send this header. Images and links of other pages have no Origin.
        return request.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin")
    # The server's own documentation. The Host has already been checked against ALLOWED_HOSTS.
    own_origin = f"{request.scheme}://{request.get_host()}"
    return origin == own_origin or origin in cors.CORS_ALLOWED_ORIGINS
