from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from accounts.authentication import AuthenticatedRequest
from accounts.subjects import USER_ID_PARAMETER, SubjectView
from apps_registry.models import App
from apps_registry.permissions import AppIsActive
from memories.access.reader import Reader

from .serializers import StatsSerializer


class StatsView(SubjectView):
    """Statistics of one user."""

    permission_classes = [*SubjectView.permission_classes, AppIsActive]

    @extend_schema(
        operation_id="stats_retrieve",
        responses=StatsSerializer,
        parameters=[USER_ID_PARAMETER],
    )
    def get(self, request: AuthenticatedRequest) -> Response:
        """Count the memories and list the apps of a user."""
        owned = App.objects.owned_by(self.subject)
        apps = list(owned.order_by("name", "id"))
        reader = Reader(self.subject, owned.restricted(name=request.auth.app_name))
        stats = {
            "total_memories": reader.memories().undeleted().count(),
            "total_apps": len(apps),
            "apps": apps,
        }
        return Response(StatsSerializer(stats).data)
