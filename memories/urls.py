from django.urls import path

from .views import (
    AccessLogViewSet,
    AppMemoriesViewSet,
    AppReadsViewSet,
    BulkViewSet,
    DiffViewSet,
    HistoryViewSet,
    KeyedMemoryViewSet,
    LogViewSet,
    MemoryActionsViewSet,
    MemoryViewSet,
    NamespaceViewSet,
    PromptContextViewSet,
    RelatedViewSet,
    RuleViewSet,
    UndoViewSet,
)

urlpatterns = [
    path(
        "memories",
        MemoryViewSet.as_view({"get": "list", "post": "create", "delete": "destroy_many"}),
    ),
    path("memories/bulk", BulkViewSet.as_view({"post": "store_many", "patch": "edit_many"})),
    path("memories/search", MemoryViewSet.as_view({"post": "search"})),
    path("memories/context", PromptContextViewSet.as_view({"post": "compose"})),
    path("memories/diff", DiffViewSet.as_view({"get": "list"})),
    path("memories/filter", MemoryActionsViewSet.as_view({"post": "filter"})),
    path("memories/categories", MemoryActionsViewSet.as_view({"get": "categories"})),
    path("memories/actions/archive", MemoryActionsViewSet.as_view({"post": "archive"})),
    path("memories/actions/pause", MemoryActionsViewSet.as_view({"post": "pause"})),
    path("memories/namespaces", NamespaceViewSet.as_view({"get": "list"})),
    path(
        "memories/by-key/<str:namespace>/<key:key>",
        KeyedMemoryViewSet.as_view({"get": "retrieve", "put": "replace", "delete": "destroy"}),
    ),
    path(
        "memories/<id:memory_id>",
        MemoryViewSet.as_view(
            {
                "get": "retrieve",
                "put": "update",
                "patch": "partial_update",
                "delete": "destroy",
            }
        ),
        name="memory",
    ),
    path("memories/<id:memory_id>/access-log", AccessLogViewSet.as_view({"get": "list"})),
    path("memories/<id:memory_id>/history", HistoryViewSet.as_view({"get": "list"})),
    path("memories/<id:memory_id>/related", RelatedViewSet.as_view({"get": "list"})),
    path("log", LogViewSet.as_view({"get": "list"})),
    path("log/<int:sequence>/undo", UndoViewSet.as_view({"post": "undo"})),
    path("apps/<id:app_id>/memories", AppMemoriesViewSet.as_view({"get": "list"})),
    path("apps/<id:app_id>/accessed", AppReadsViewSet.as_view({"get": "list"})),
    path("apps/<id:app_id>/rules", RuleViewSet.as_view({"get": "list", "post": "create"})),
    path("apps/<id:app_id>/rules/<id:rule_id>", RuleViewSet.as_view({"delete": "destroy"})),
]
