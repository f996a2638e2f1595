from django.urls import path

from .metrics_endpoint.views import MetricsView

urlpatterns = [
    path("metrics", MetricsView.as_view(), name="metrics"),
]
