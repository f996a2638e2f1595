"""Errors in the form that clients of Mem0 read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from core.api.problems import MEDIA_TYPE

# The paths of Mem0's API. A host that ends with a slash doubles the first one.
_PATHS = re.compile(r"/+(?:v[123]|api/v1/(?:orgs|webhooks|auth))(?:/|\Z)")

UNKNOWN = "There is no such path."
FAILED = "The server could not process the request."


class PlainErrors:
    """Answers below Mem0's paths: a problem is `application/json`, and has its detail as `error`.

    Clients read `detail` of no other media type.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not _PATHS.match(request.path_info):
            return self.get_response(request)
        request.path_info = "/" + request.path_info.lstrip("/")
        response = self.get_response(request)
        media_type = response.headers.get("Content-Type", "")
        if media_type.startswith(MEDIA_TYPE):
            _rewrite(response, json.loads(response.content))
        elif response.status_code >= 400 and not media_type.startswith("application/json"):
            _rewrite(response, {"detail": UNKNOWN if response.status_code == 404 else FAILED})
        return response


def _rewrite(response: HttpResponse, problem: dict[str, Any]) -> None:
    plain = {**problem, "error": problem["detail"], "message": problem["detail"]}
    response.content = json.dumps(plain, ensure_ascii=False).encode()
    response.headers["Content-Type"] = "application/json"
    response.headers.pop("Content-Length", None)
