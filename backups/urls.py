from django.urls import path

from .views import ExportViewSet, ImportViewSet

urlpatterns = [
    path("backup/export", ExportViewSet.as_view({"post": "export"})),
    path("backup/import", ImportViewSet.as_view({"post": "restore"})),
]
