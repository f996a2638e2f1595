"""The format of every error response: problem details of RFC 9457."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse

from core import logs

MEDIA_TYPE = "application/problem+json"

# The delay that clients are asked for while a required service is unavailable.
RETRY_AFTER = {"Retry-After": "5"}

# A body can have any number of faults, of any length. These limits bound the response.
MAX_FAULTS = 100
MAX_FIELDS_NAMED = 10
MAX_DETAIL_LENGTH = 500


@dataclass(frozen=True)
class Fault:
    """An invalid value of a request, with its location: `("body", "metadata", "a")`."""

    loc: tuple[str | int, ...]
    code: str
    detail: str

    @property
    def field(self) -> str:
        return ".".join(str(part) for part in self.loc[1:])

    def sentence(self) -> str:
        return f"`{self.field}`: {self.detail}" if self.field else self.detail


@dataclass(frozen=True)
class Problem:
    status: int
    code: str
    detail: str
    faults: Sequence[Fault] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        members: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "request_id": logs.request_id(),
        }
        if self.faults:
            members["errors"] = [
                {"loc": list(fault.loc), "code": fault.code, "detail": fault.detail}
                for fault in self.faults
            ]
        return members


class ProblemResponse(HttpResponse):
    """A problem as a response. It needs no renderer, so views of any media type can return it."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        body = json.dumps(problem.as_dict(), ensure_ascii=False, separators=(",", ":"))
        # A problem may quote unpaired surrogates of the request, which UTF-8 cannot encode.
        content = body.encode(errors="replace")
        super().__init__(
            content,
            status=problem.status,
            content_type=MEDIA_TYPE,
            headers=dict(problem.headers),
        )


def validation_problem(faults: Sequence[Fault], *, code: str = "validation_failed") -> Problem:
    """Return a problem with these faults. Its detail names the fields in one sentence."""
    reported = [replace(fault, detail=_shorten(fault.detail)) for fault in faults[:MAX_FAULTS]]
    if len(faults) == 1:
        return Problem(400, code, reported[0].sentence(), reported)
    fields = ", ".join(f"`{fault.field}`" for fault in reported[:MAX_FIELDS_NAMED])
    more = f" and {len(faults) - MAX_FIELDS_NAMED} more" if len(faults) > MAX_FIELDS_NAMED else ""
    return Problem(400, code, f"{len(faults)} fields are invalid: {fields}{more}.", reported)


def _shorten(detail: str) -> str:
    """Cut the middle of a long detail: the client's own value. The end says what is wrong."""
    half = MAX_DETAIL_LENGTH // 2
    return detail if len(detail) <= MAX_DETAIL_LENGTH else f"{detail[:half]}…{detail[-half:]}"
