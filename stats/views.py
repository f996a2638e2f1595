from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from accounts.authentication import AuthenticatedRequest
from accounts.subjects import USER_ID_PARAMETER, SubjectView
from apps_registry.models import App
from apps_registry.permissions import AppIsActive
from memories.access.reader import Reader
from memories.views.scope import AS_OF, describe_past, find_past

from .serializers import StatsSerializer


class StatsView(SubjectView):
    """Statistics of one user."""

    query_fields = {"": ("as_of",)}
    permission_classes = [*SubjectView.permission_classes, AppIsActive]

    @extend_schema(
        operation_id="stats_retrieve",
        responses=StatsSerializer,
        parameters=[USER_ID_PARAMETER, AS_OF],
    )
    def get(self, request: AuthenticatedRequest) -> Response:
        """Count the memories and list the apps of a user."""
        owned = App.objects.owned_by(self.subject)
        app = owned.restricted(name=request.auth.app_name)
        past = find_past(request, user=self.subject, app=app)
        known = owned.filter(created_at__lte=past.moment) if past else owned
        apps = list(known.order_by("name", "id"))
        reader = Reader(self.subject, app, past=past)
        with reader.reading():
            total = reader.listed(reader.memories().undeleted()).count()
        stats = {"total_memories": total, "total_apps": len(apps), "apps": apps}
        told = describe_past(reader)
        if request.auth.app_name:
            told.pop("erased_since", None)  # told to no app, with rules or without
        return Response({**StatsSerializer(stats).data, **told})
