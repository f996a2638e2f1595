from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from .models import Scope


class KeyHasScope(BasePermission):
    """A key needs `read` to read and `write` for everything else.

    A view names in `reading_actions` the actions that read though they are sent with POST.
    """

    code = "key_scope"

    def has_permission(self, request: Request, view: APIView) -> bool:
        reads = request.method in SAFE_METHODS or getattr(view, "action", None) in getattr(
            view, "reading_actions", ()
        )
        needed = Scope.READ if reads else Scope.WRITE
        self.message = f"This key has no `{needed}` scope."
        return needed in request.auth.scopes


class IsOperator(BasePermission):
    message = "Only an operator may do that."
    code = "operators_only"

    def has_permission(self, request: Request, view: APIView) -> bool:
        return request.user.is_staff
