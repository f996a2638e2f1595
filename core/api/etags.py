"""Entity tags, and the preconditions of requests, after RFC 9110."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from rest_framework.request import Request

from core.errors import Malformed, PreconditionFailed

from .exception_handler import problem_of
from .problems import ProblemResponse

_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\U0010ffff]*"'
# Empty elements of the list are allowed.
_TAGS = re.compile(rf"[ \t,]*{_TAG}(?:[ \t]*,[ \t,]*{_TAG})*[ \t,]*")

ANY = ["*"]

# Of the answers that a client may keep and ask about.
_PATHS = "/api/v1/"
_MEDIA_TYPE = "application/json"


class MalformedTags(Malformed):
    """A header with entity tags is malformed."""


@dataclass(frozen=True)
class Preconditions:
    """What a request says that it is for: a version, or any version but some. None: it does not."""

    match: list[str] | None
    none_match: list[str] | None

    @classmethod
    def of(cls, request: HttpRequest | Request) -> Preconditions:
        """Raises MalformedTags."""
        return cls(_parse_tags(request, "If-Match"), _parse_tags(request, "If-None-Match"))

    def __bool__(self) -> bool:
        return self.match is not None or self.none_match is not None

    def require(self, tag: str) -> None:
        """Raises PreconditionFailed unless the current version is as the request to change says."""
        self.require_match(tag)
        if self.is_known(tag):
            raise PreconditionFailed("This is the version that If-None-Match excludes.")

    def require_match(self, tag: str) -> None:
        """Raises PreconditionFailed. Only strong tags match."""
        matches = self.match in (None, ANY) or (
            not tag.startswith("W/") and tag in (self.match or ())
        )
        if not matches:
            raise PreconditionFailed

    def is_known(self, tag: str) -> bool:
        """Whether the client knows this version, by its strong tag or its weak one."""
        known = self.none_match or ()
        return known == ANY or tag.removeprefix("W/") in [it.removeprefix("W/") for it in known]


class EntityTagMiddleware:
    """Give what is read a weak tag of its body, where a view has not set a strong one.

    A client that knows the version is answered 304.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method not in ("GET", "HEAD") or not request.path_info.startswith(_PATHS):
            return self.get_response(request)
        try:
            preconditions = Preconditions.of(request)
            response = self.get_response(request)
            return _answer(preconditions, response) if _is_tagged(response) else response
        except (MalformedTags, PreconditionFailed) as error:
            problem = problem_of(error, request)
            assert problem is not None  # noqa: S101 - these are our own errors
            return ProblemResponse(problem)


def _is_tagged(response: HttpResponse) -> bool:
    media_type = response.headers.get("Content-Type", "").partition(";")[0]
    return response.status_code == 200 and not response.streaming and media_type == _MEDIA_TYPE


def _answer(preconditions: Preconditions, response: HttpResponse) -> HttpResponse:
    if "ETag" not in response.headers:
        digest = hashlib.sha256(response.content).hexdigest()
        response.headers["ETag"] = f'W/"{digest[:32]}"'
    tag = response.headers["ETag"]
    preconditions.require_match(tag)
    if not preconditions.is_known(tag):
        return response
    headers = {
        name: response.headers[name] for name in ("ETag", "Vary") if name in response.headers
    }
    return HttpResponseNotModified(headers=headers)


def _parse_tags(request: HttpRequest | Request, name: str) -> list[str] | None:
    value = request.headers.get(name)
    return None if value is None else parse_tags(value, what=f"The header {name}")


def parse_tags(value: str, *, what: str) -> list[str]:
    """Raises MalformedTags; `what` is the subject of its message."""
    if value.strip() == "*":
        return ANY
    if not _TAGS.fullmatch(value):
        raise MalformedTags(
            f'{what} needs `*`, or entity tags in quotes, such as "0f3c" or W/"0f3c", '
            "with commas between them."
        )
    return re.findall(_TAG, value)
