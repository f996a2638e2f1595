"""The schema and the two pages that show it, served without files from other hosts."""

from __future__ import annotations

from functools import cache
from threading import Lock
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.generic import TemplateView
from drf_spectacular import renderers
from drf_spectacular.generators import SchemaGenerator
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

# Both pages use inline styles. Redoc runs its search in a worker created from a blob.
_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src blob:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)


_generation_lock = Lock()


def openapi_document() -> dict[str, Any]:
    """Return the OpenAPI document: the same for every client, generated once per process."""
    # The generator's lookup of extensions is not thread-safe.
    with _generation_lock:
        return _generate_document()


@cache
def _generate_document() -> dict[str, Any]:
    schema: dict[str, Any] = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    return schema


class SchemaView(APIView):
    authentication_classes = []
    permission_classes = []
    renderer_classes = [
        renderers.OpenApiJsonRenderer2,
        renderers.OpenApiJsonRenderer,
        renderers.OpenApiYamlRenderer,
        renderers.OpenApiYamlRenderer2,
    ]
    schema = None

    def get(self, request: Request) -> Response:
        return Response(openapi_document())


class DocumentationView(TemplateView):
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(request, *args, **kwargs)
        response.headers["Content-Security-Policy"] = _POLICY
        return response
