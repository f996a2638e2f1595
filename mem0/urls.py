"""The paths of Mem0's API. Middleware takes each with its last slash, too."""

from django.urls import path

from .views.entities import EntitiesViewSet
from .views.events import EventsViewSet
from .views.exports import ExportsViewSet
from .views.many_memories import MemoriesViewSet
from .views.older_clients import OlderMemoriesViewSet
from .views.one_memory import MemoryViewSet
from .views.ping import AccountViewSet
from .views.profiles import ProfileJobsViewSet, ProfileSettingsViewSet, ProfilesViewSet
from .views.projects import FeedbackViewSet, ProjectsViewSet
from .views.webhooks import WebhooksViewSet

ORGANIZATION = "api/v1/orgs/organizations/<str:org>"
PROJECT = f"{ORGANIZATION}/projects/<str:project>"

history = MemoryViewSet.as_view({"get": "history"})
profile = ProfilesViewSet.as_view({"get": "retrieve"})

urlpatterns = [
    path("v1/ping", AccountViewSet.as_view({"get": "ping"})),
    path("v1/stats", AccountViewSet.as_view({"get": "stats"})),
    # Version 3.
    path("v3/memories/add", MemoriesViewSet.as_view({"post": "create"})),
    path("v3/memories", MemoriesViewSet.as_view({"post": "list"})),
    path("v3/memories/search", MemoriesViewSet.as_view({"post": "search"})),
    # Older clients.
    path("v2/memories", OlderMemoriesViewSet.as_view({"post": "list"})),
    path("v2/memories/search", OlderMemoriesViewSet.as_view({"post": "search"})),
    path("v1/memories/search", OlderMemoriesViewSet.as_view({"post": "search"})),
    path(
        "v1/memories",
        OlderMemoriesViewSet.as_view(
            {"post": "create", "get": "list_by_query", "delete": "destroy"}
        ),
    ),
    path("v1/batch", MemoriesViewSet.as_view({"put": "update_many", "delete": "destroy_many"})),
    path(
        "v1/memories/<str:memory_id>",
        MemoryViewSet.as_view({"get": "retrieve", "put": "update", "delete": "destroy"}),
    ),
    # With their last slash, too: the names below take any text, also one with slashes.
    path("v1/memories/<str:memory_id>/history", history),
    path("v1/memories/<str:memory_id>/history/", history),
    path("v1/memories/<str:kind>/<path:name>", EntitiesViewSet.as_view({"get": "memories"})),
    path("v1/entities", EntitiesViewSet.as_view({"get": "list"})),
    path(
        "v1/entities/<str:kind>/<int:pk>",
        EntitiesViewSet.as_view({"delete": "destroy_by_number"}),
    ),
    path("v2/entities/user/<path:name>/profile", profile),
    path("v2/entities/user/<path:name>/profile/", profile),
    path(
        "v2/entities/<str:kind>/<path:name>",
        EntitiesViewSet.as_view({"get": "retrieve", "delete": "destroy"}),
    ),
    path("v1/event/<str:event_id>", EventsViewSet.as_view({"get": "retrieve"})),
    path("v1/events", EventsViewSet.as_view({"get": "list"})),
    path("v1/feedback", FeedbackViewSet.as_view({"post": "create"})),
    path(
        f"{ORGANIZATION}/projects",
        ProjectsViewSet.as_view({"post": "refuse"}),
    ),
    path(
        PROJECT,
        ProjectsViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "refuse"}),
    ),
    path(
        f"{PROJECT}/members",
        ProjectsViewSet.as_view(
            {"get": "members", "post": "refuse", "put": "refuse", "delete": "refuse"}
        ),
    ),
    path(
        "v2/profiles/settings",
        ProfileSettingsViewSet.as_view({"get": "retrieve", "post": "update"}),
    ),
    path("v2/profiles/jobs", ProfileJobsViewSet.as_view({"post": "create"})),
    path("v2/profiles/jobs/<str:job_id>", ProfileJobsViewSet.as_view({"get": "retrieve"})),
    path("v1/exports", ExportsViewSet.as_view({"post": "create"})),
    path("v1/exports/get", ExportsViewSet.as_view({"post": "show"})),
    path("v1/summary", ExportsViewSet.as_view({"post": "summarize"})),
    path(
        "api/v1/webhooks/projects/<str:project>",
        WebhooksViewSet.as_view({"get": "list", "post": "create"}),
    ),
    path(
        "api/v1/webhooks/<str:webhook_id>",
        WebhooksViewSet.as_view({"put": "update", "delete": "destroy"}),
    ),
]
