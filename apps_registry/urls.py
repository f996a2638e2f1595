from django.urls import path

from .views import AppViewSet

urlpatterns = [
    path("apps", AppViewSet.as_view({"get": "list"})),
    path("apps/<id:app_id>", AppViewSet.as_view({"get": "retrieve", "put": "update"})),
]
