from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import APIException
from rest_framework.response import Response
from rest_framework.reverse import reverse

from accounts.authentication import AuthenticatedRequest
from apps_registry.acting_app import get_writing_app
from apps_registry.models import App
from core.api.exception_handler import problem_of
from core.api.problems import MAX_FAULTS, Fault, Problem, ProblemResponse, validation_problem
from core.errors import OpenMemoryError
from memories.lifecycle.remember import NewMemory, StoredMemory, remember
from memories.lifecycle.remember_many import remember_many
from memories.lifecycle.revise_many import revise_many
from memories.lifecycle.supersede import require_supersedable
from memories.serializers import (
    BulkPatchedSerializer,
    BulkPatchSerializer,
    BulkResultsSerializer,
    NewMemoriesSerializer,
    build_edit,
    build_new_memory,
    require_own,
)

from .scope import MemoriesOfOneUser

REFUSALS = (APIException, OpenMemoryError)


class BulkViewSet(MemoriesOfOneUser):
    """Many memories at once."""

    serializer_class = BulkResultsSerializer
    by_id_actions = {"edit_many"}
    slow_actions: ClassVar = {"store_many"}
    max_body_bytes = 8 * settings.MAX_BODY_BYTES

    @extend_schema(request=NewMemoriesSerializer, responses=BulkResultsSerializer)
    def store_many(self, request: AuthenticatedRequest) -> HttpResponse:
        """Store up to 1,000 memories at once.

        Each is stored as by `POST /memories`, one after another: two with the same text give `ADD`
        and `DUPLICATE`, and each that a language model works on has its own `job`. With `atomic`,
        all are stored or none: the response to one that cannot be is an error, whose `errors` name
        the places (`["body", "memories", 3, "text"]`). Without it, the response is 200, and
        `results` has a problem for each that was not stored.
        """
        body = self.read_body(NewMemoriesSerializer)
        apps: dict[str | None, App] = {}
        drafts = [self._draft(index, fields, apps) for index, fields in enumerate(body["memories"])]
        problems = {index: each for index, each in enumerate(drafts) if isinstance(each, Problem)}
        if problems and body["atomic"]:
            return ProblemResponse(_merge([*problems.values()]))
        news = {index: each for index, each in enumerate(drafts) if not isinstance(each, Problem)}
        stored = self._store(news, atomic=body["atomic"])
        results = {
            index: each.as_dict() if isinstance(each, Problem) else _show(each)
            for index, each in {**problems, **stored}.items()
        }
        return Response(
            {"results": [{"index": index, **results[index]} for index in sorted(results)]}
        )

    def _store(
        self, news: Mapping[int, tuple[NewMemory, App]], *, atomic: bool
    ) -> dict[int, StoredMemory | Problem]:
        """Store the memories by their places: all at once or, if one cannot be, each by itself."""
        author: dict[str, Any] = {
            "user": self.subject,
            "by": self.request.user,
            "key": self.request.auth,
        }
        try:
            stored = remember_many([*news.values()], **author)
        except REFUSALS:
            if atomic:
                raise
        else:
            return dict(zip(news, stored, strict=True))
        results: dict[int, StoredMemory | Problem] = {}
        for index, (new, app) in news.items():
            try:
                results[index] = remember(new, app=app, **author)
            except REFUSALS as error:
                results[index] = self._explain(error, index)
        return results

    def _explain(self, error: Exception, *place: str | int) -> Problem:
        problem = problem_of(error, self.request)
        assert problem is not None  # noqa: S101 - these errors all have one
        return _locate(problem, *place)

    @extend_schema(request=BulkPatchSerializer, responses=BulkPatchedSerializer)
    def edit_many(self, request: AuthenticatedRequest) -> Response:
        """Change some fields of many memories, all or none of them.

        As `PATCH /memories/{id}` does for each, with one entry in each history; a text is not one
        of the fields. `ids` or `filters` select the memories; `filters` take a key with the `read`
        scope.
        """
        body = self.read_body(BulkPatchSerializer)
        selection = self.select(body)
        matched, changed = revise_many(
            build_edit(body["changes"]),
            ids=set(body["ids"]) if "ids" in body else None,
            filters=selection.filters,
            user=self.subject,
            among=self.get_queryset(),
            by=request.user,
        )
        return Response({"matched": matched, "changed": changed})

    def _draft(
        self, index: int, fields: Mapping[str, Any] | APIException, apps: dict[str | None, App]
    ) -> tuple[NewMemory, App] | Problem:
        """The memory to store, or why it cannot be."""
        try:
            if isinstance(fields, APIException):
                raise fields
            require_own(fields, user=self.subject)
            name = fields.get("app")
            if name not in apps:
                apps[name] = get_writing_app(self.request.auth, user=self.subject, app_name=name)
            new = build_new_memory(fields)
        except REFUSALS as error:
            return self._explain(error, index)
        try:
            if new.supersedes:
                require_supersedable(new.supersedes, user=self.subject, app=apps[name])
        except REFUSALS as error:
            return self._explain(error, index, "supersedes")
        return new, apps[name]


def _locate(problem: Problem, *place: str | int) -> Problem:
    """Say which memory a problem is about, and which of its fields."""
    loc = ("body", "memories", *place)
    if not problem.faults:
        alone = Fault(loc, problem.code, problem.detail)
        return replace(problem, faults=[alone], detail=alone.sentence())
    faults = [replace(fault, loc=(*loc, *fault.loc[1:])) for fault in problem.faults]
    return replace(problem, faults=faults)


def _merge(problems: Sequence[Problem]) -> Problem:
    """The problem of a request with these: what is malformed counts last."""
    faults = [fault for problem in problems for fault in problem.faults]
    refused = [problem for problem in problems if problem.status != 400]
    return (
        replace(refused[0], faults=faults[:MAX_FAULTS]) if refused else validation_problem(faults)
    )


def _show(stored: StoredMemory) -> dict[str, Any]:
    job = reverse("job", [stored.job.pk]) if stored.job else None
    return {"status": 200, "id": str(stored.memory.pk), "event": stored.event, "job": job}
