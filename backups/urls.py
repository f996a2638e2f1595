from django.urls import path

from .views import ExportViewSet

urlpatterns = [
    path("backup/export", ExportViewSet.as_view({"post": "export"})),
]
