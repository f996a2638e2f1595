from django.urls import path

from .views import JobViewSet

urlpatterns = [
    path("jobs", JobViewSet.as_view({"get": "list"})),
    path("jobs/<id:job_id>", JobViewSet.as_view({"get": "retrieve"}), name="job"),
]
