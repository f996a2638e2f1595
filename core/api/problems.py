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

UNKNOWN_FIELD = "unknown_field"

# The delay that clients are asked for while a required service is unavailable.
RETRY_AFTER = {"Retry-After": "5"}

# A body can have any number of faults, of any length. These limits bound the response.
MAX_FAULTS = 100
MAX_FIELDS_NAMED = 10
MAX_SENTENCES = 3
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
        # A fault about an unknown name begins with it.
        location = self.loc[:-1] if self.code == UNKNOWN_FIELD else self.loc
        field = replace(self, loc=location).field
        return f"`{field}`: {self.detail}" if field else self.detail


@dataclass(frozen=True)
class Problem:
    status: int
    code: str
    detail: str
    faults: Sequence[Fault] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        members: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "request_id": logs.request_id(),
            **self.members,
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
    """Return a problem with these faults. Its detail names the fields in one sentence.

    The code is `unknown_field` if any field is unknown: the others may be wrong because of it.
    """
    reported = [_bounded(fault) for fault in faults[:MAX_FAULTS]]
    unknown = [fault for fault in reported if fault.code == UNKNOWN_FIELD]
    code = UNKNOWN_FIELD if unknown else code
    if len(faults) == 1:
        return Problem(400, code, reported[0].sentence(), reported)
    fields = ", ".join(f"`{fault.field}`" for fault in reported[:MAX_FIELDS_NAMED])
    more = f" and {len(faults) - MAX_FIELDS_NAMED} more" if len(faults) > MAX_FIELDS_NAMED else ""
    sentences = [fault.sentence() for fault in unknown[:MAX_SENTENCES]]
    detail = " ".join([f"{len(faults)} fields are invalid: {fields}{more}.", *sentences])
    return Problem(400, code, detail, reported)


def _bounded(fault: Fault) -> Fault:
    loc = tuple(_shorten(part) if isinstance(part, str) else part for part in fault.loc)
    return replace(fault, loc=loc, detail=_shorten(fault.detail))


def _shorten(text: str) -> str:
    """Cut the middle of a long text: the client's own value. The end says what is wrong."""
    half = MAX_DETAIL_LENGTH // 2
    return text if len(text) <= MAX_DETAIL_LENGTH else f"{text[:half]}…{text[-half:]}"
