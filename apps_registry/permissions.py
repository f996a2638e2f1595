from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission

from .models import App, AppPaused

if TYPE_CHECKING:
    from accounts.authentication import AuthenticatedRequest
    from accounts.subjects import SubjectView


class AppIsActive(BasePermission):
    """A key that is bound to a paused app is told nothing of its user. Raises AppPaused.

    For views that read no memories: those that do find the app that they act as, or are refused.
    """

    def has_permission(self, request: AuthenticatedRequest, view: SubjectView) -> bool:  # type: ignore[override]
        name = request.auth.app_name
        if name and App.objects.owned_by(view.subject).paused().filter(name=name).exists():
            raise AppPaused
        return True
