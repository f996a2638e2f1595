from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.response import Response

from accounts.authentication import AuthenticatedRequest
from core.errors import Malformed, NotAllowed, NotFound
from mem0.models import Feedback, Project, Verdict
from mem0.project_settings import DEFAULTS, MISSING, check_changes, read_settings
from mem0.tenant import parse_id

from .mem0_view import DialectViewSet


class ProjectNotFound(NotFound):
    """Project not found."""

    code = "project_not_found"


class OneProject(NotAllowed):
    """A key is of one project, which is its account. It cannot be created, deleted or shared."""

    code = "one_project"


class ProjectsViewSet(DialectViewSet):
    """The project of a key: its account."""

    bodiless_actions: ClassVar = {"refuse"}

    def retrieve(self, request: AuthenticatedRequest, org: str, project: str) -> Response:
        self._require_own(org, project)
        return Response(self._show())

    def partial_update(self, request: AuthenticatedRequest, org: str, project: str) -> Response:
        self._require_own(org, project)
        self.tenant.require_whole_account()
        changes = check_changes(self.body)
        row, _ = Project.objects.get_or_create(account=self.tenant.account)
        row.settings = {**row.settings, **changes}
        row.save()
        return Response({**self._show(), "message": "Updated project successfully"})

    def members(self, request: AuthenticatedRequest, org: str, project: str) -> Response:
        self._require_own(org, project)
        member = {"username": self.tenant.account.user_id, "role": "OWNER"}
        return Response({"members": [member]})

    def refuse(self, request: AuthenticatedRequest, **names: str) -> Response:
        raise OneProject

    def _require_own(self, org: str, project: str) -> None:
        if (org, project) != (self.tenant.org_id, self.tenant.project_id):
            raise ProjectNotFound

    def _show(self) -> dict[str, Any]:
        return {
            "project_id": self.tenant.project_id,
            "org_id": self.tenant.org_id,
            **DEFAULTS,
            **MISSING,
            **read_settings(self.tenant),
        }


class FeedbackViewSet(DialectViewSet):
    """What clients think of memories."""

    def create(self, request: AuthenticatedRequest) -> Response:
        body = self.body
        memories = self.tenant.memories().undeleted()
        memory = memories.one(parse_id(body.get("memory_id")))
        verdict, reason = body.get("feedback"), body.get("feedback_reason")
        if verdict is not None and verdict not in Verdict.values:
            raise Malformed(f"`feedback` is null, or one of {', '.join(Verdict.values)}.")
        if reason is not None and not (isinstance(reason, str) and len(reason) <= 2_000):
            raise Malformed("`feedback_reason` is a text of at most 2,000 characters.")
        pk = None
        if verdict is None:
            Feedback.objects.filter(memory=memory).delete()
        else:
            given = {"verdict": verdict, "reason": reason or ""}
            row, _ = Feedback.objects.update_or_create(memory=memory, defaults=given)
            pk = str(row.pk)
        return Response(
            {
                "message": "Feedback submitted",
                "id": pk,
                "memory_id": str(memory.pk),
                "feedback": verdict,
                "feedback_reason": reason,
            }
        )
