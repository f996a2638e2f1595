from django.urls import path

from .views import MemoryViewSet

urlpatterns = [
    path(
        "memories",
        MemoryViewSet.as_view({"get": "list", "post": "create", "delete": "destroy_many"}),
    ),
    path("memories/search", MemoryViewSet.as_view({"post": "search"})),
    path(
        "memories/<str:memory_id>",
        MemoryViewSet.as_view({"get": "retrieve", "put": "update", "delete": "destroy"}),
    ),
]
