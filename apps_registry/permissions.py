from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission

from .models import App

if TYPE_CHECKING:
    from accounts.authentication import AuthenticatedRequest
    from accounts.subjects import SubjectView


class AppIsActive(BasePermission):
    """Deny keys bound to a paused app. Raises AppPaused.

    For views that read no memories. Those that do resolve the acting app, which checks the same.
    """

    def has_permission(self, request: AuthenticatedRequest, view: SubjectView) -> bool:  # type: ignore[override]
        name = request.auth.app_name
        if name:
            users = {view.subject, request.auth.user}
            App.objects.filter(owner__in=users).require_active(name=name)
        return True
