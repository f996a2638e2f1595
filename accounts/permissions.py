from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS, BasePermission

from core.api.safe_actions import is_safe_request

from .models import Scope

if TYPE_CHECKING:
    # Not at run time: the settings name these classes, and importing REST framework's views
    # reads the settings.
    from rest_framework.views import APIView

    from .authentication import AuthenticatedRequest


class KeyHasScope(BasePermission):
    """A key needs `read` to read and `write` for everything else.

    Either is enough for the `actions_of_any_scope` of a view.
    """

    def has_permission(self, request: AuthenticatedRequest, view: APIView) -> bool:  # type: ignore[override]
        action = getattr(view, "action", None)
        if action in getattr(view, "actions_of_any_scope", ()):
            return True
        reads = is_safe_request(view, method=request.method, action=action)
        request.auth.require_scope(Scope.READ if reads else Scope.WRITE)
        return True


class IsOperator(BasePermission):
    message = "Only operators can do this, with a key that is not bound to an app."
    code = "operators_only"

    def has_permission(self, request: AuthenticatedRequest, view: APIView) -> bool:  # type: ignore[override]
        return request.auth.has_operator_rights


class SeesUsers(IsOperator):
    """Allow operators, and keys that name end users and are not bound to an app."""

    def has_permission(self, request: AuthenticatedRequest, view: APIView) -> bool:  # type: ignore[override]
        names_users = request.auth.names_end_users and not request.auth.app_name
        return names_users or super().has_permission(request, view)


class IsPersonalKey(BasePermission):
    """Deny keys bound to an app where the app's access rules could not be applied."""

    message = "This key is bound to an app. Use a personal key of the user."
    code = "key_bound_to_app"

    def has_permission(self, request: AuthenticatedRequest, view: APIView) -> bool:  # type: ignore[override]
        return not request.auth.app_name


class IsPersonalKeyOrReadOnly(IsPersonalKey):
    """Deny keys bound to an app every change that could widen the app's own access."""

    def has_permission(self, request: AuthenticatedRequest, view: APIView) -> bool:  # type: ignore[override]
        return request.method in SAFE_METHODS or super().has_permission(request, view)
