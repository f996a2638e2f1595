from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.metadata import BaseMetadata
from rest_framework.request import Request

if TYPE_CHECKING:  # views import this module
    from rest_framework.views import APIView


class AllowedMethodsMetadata(BaseMetadata):
    """The response to OPTIONS: the methods, as in the Allow header. The schema has the rest."""

    def determine_metadata(self, request: Request, view: APIView) -> dict[str, list[str]]:
        return {"methods": view.allowed_methods}
