from django.urls import path

from .views import IgnoreAcceptHeader, JobViewSet

urlpatterns = [
    path("jobs", JobViewSet.as_view({"get": "list"})),
    path("jobs/<id:job_id>", JobViewSet.as_view({"get": "retrieve"}), name="job"),
    path("jobs/<id:job_id>/cancel", JobViewSet.as_view({"post": "cancel"})),
    path(
        "jobs/<id:job_id>/download",
        JobViewSet.as_view({"get": "download"}, content_negotiation_class=IgnoreAcceptHeader),
    ),
]
