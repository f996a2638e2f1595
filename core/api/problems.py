"""What a client is told when something is wrong: a problem as of RFC 9457, always."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse

from core import logs

MEDIA_TYPE = "application/problem+json"

# An answer to "when shall I try again" while something that the server needs is away.
RETRY_AFTER = {"Retry-After": "5"}

# What is wrong can be as long as the body: so many faults are told, and in the sentence so many of
# their places, and of each this much.
MOST_FAULTS = 100
MOST_PLACES = 10
LONGEST_DETAIL = 500


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong in a request, and where: `("body", "metadata", "a")`."""

    loc: tuple[str | int, ...]
    code: str
    detail: str

    def sentence(self) -> str:
        place = ".".join(str(part) for part in self.loc[1:])
        return f"`{place}`: {self.detail}" if place else self.detail


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
    """A problem as an answer. It needs no renderer, so a view of any media type can give it."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        body = json.dumps(problem.as_dict(), ensure_ascii=False, separators=(",", ":"))
        # What is quoted from a request can hold what UTF-8 cannot.
        content = body.encode(errors="replace")
        super().__init__(
            content,
            status=problem.status,
            content_type=MEDIA_TYPE,
            headers=dict(problem.headers),
        )


def validation_problem(faults: Sequence[Fault], *, code: str = "validation_failed") -> Problem:
    """A request with these faults, which its detail names in one sentence."""
    told = [replace(fault, detail=_cut(fault.detail)) for fault in faults[:MOST_FAULTS]]
    if len(faults) == 1:
        return Problem(400, code, told[0].sentence(), told)
    named = told[:MOST_PLACES]
    places = ", ".join(f"`{'.'.join(str(part) for part in fault.loc[1:])}`" for fault in named)
    more = f" and {len(faults) - MOST_PLACES} more" if len(faults) > MOST_PLACES else ""
    return Problem(400, code, f"{len(faults)} fields are wrong: {places}{more}.", told)


def _cut(detail: str) -> str:
    """Take out the middle of what is long: it is what was sent, and the end says what is wrong."""
    half = LONGEST_DETAIL // 2
    return detail if len(detail) <= LONGEST_DETAIL else f"{detail[:half]}…{detail[-half:]}"
