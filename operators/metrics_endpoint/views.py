from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from rest_framework.renderers import BaseRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import AuthenticatedRequest
from accounts.permissions import IsOperator
from core.observability.multiprocess import SharedMetrics, build_registry

from .collector import DatabaseCollector


class PrometheusText(BaseRenderer):
    media_type = "text/plain"
    format = "text"

    def render(
        self,
        data: CollectorRegistry,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return generate_latest(data)


class MetricsView(APIView):
    """Metrics of the server for Prometheus.

    Requires the key of an operator, because they reveal how much is stored and done.
    """

    permission_classes = [*APIView.permission_classes, IsOperator]
    renderer_classes = [PrometheusText]
    schema = None

    def get(self, request: AuthenticatedRequest) -> Response:
        metrics = build_registry(SharedMetrics(settings.METRICS_FOLDER), DatabaseCollector())
        return Response(metrics, content_type=CONTENT_TYPE_PLAIN_0_0_4)
