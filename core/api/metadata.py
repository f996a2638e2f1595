from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.metadata import BaseMetadata
from rest_framework.request import Request

if TYPE_CHECKING:  # views import this module
    from rest_framework.views import APIView


class AllowedMethodsMetadata(BaseMetadata):
    """What OPTIONS tells: the methods, as in the Allow header. The rest is in the schema."""

    def determine_metadata(self, request: Request, view: APIView) -> dict[str, list[str]]:
        return {"methods": view.allowed_methods}
