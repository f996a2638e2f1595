from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from django.conf import settings
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.views import APIView

from . import pagination
from .exception_handler import InvalidRequest
from .problems import Fault
from .serializers import REPEATED_CODE, REPEATED_DETAIL, repeated_names
from .unknown_fields import unknown_faults

_JSON = "application/json"
_ANYTHING = ("*/*", _JSON)

IN_BODY = "Other fields go in the body."


class StrictView(APIView):
    """Refuses query parameters and fields of a body that an operation does not take.

    Its serializer refuses unknown fields of a body: see RequestSerializer. This view refuses the
    rest: unknown and repeated query parameters, and any field where no body is expected. Lists take
    the page parameters and those of the FilterSet; `query_fields` declares all others. Any call may
    name a user: what is about none takes `user_id` and ignores it. With LEGACY_CLIENTS, everything
    unknown is ignored.
    """

    # Query parameters by action, and those of every action.
    query_fields: ClassVar[Mapping[str, Collection[str]]] = {}
    common_fields: ClassVar[Collection[str]] = ("user_id",)
    # Actions without a body, beside those of safe methods.
    bodiless_actions: ClassVar[Collection[str]] = {"destroy"}
    # Those that change an object only if its version is the one that the request names.
    conditional_actions: ClassVar[Collection[str]] = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        is_answered = request.method != "OPTIONS" and hasattr(self, str(request.method).lower())
        if is_answered and not settings.LEGACY_CLIENTS:
            faults = [
                *self._query_faults(request),
                *self._body_faults(request),
                *self._header_faults(request),
            ]
            if faults:
                raise InvalidRequest(faults)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        # What nearly all clients accept, in a tenth of the time.
        if request.META.get("HTTP_ACCEPT", "*/*") in _ANYTHING and len(self.renderer_classes) == 1:
            [renderer] = self.get_renderers()
            if renderer.media_type == _JSON:
                return renderer, _JSON
        return super().perform_content_negotiation(request, force)

    def known_query(self, request: Request) -> list[str]:
        """Return the query parameters of this operation."""
        action = getattr(self, "action", None)
        names = [*self.common_fields, *self.query_fields.get(action or "", ())]
        if action == "list":
            filters = getattr(self, "filterset_class", None)
            names += [*(filters.base_filters if filters else ()), *pagination.PARAMETERS]
        return list(dict.fromkeys(names))

    def _query_faults(self, request: Request) -> list[Fault]:
        params = request.query_params
        repeated = [
            Fault(("query", name), REPEATED_CODE, REPEATED_DETAIL)
            for name in repeated_names(params)
        ]
        unknown = unknown_faults(params, self.known_query(request), loc=("query",))
        if self._takes_body(request):
            unknown = [replace(fault, detail=f"{fault.detail} {IN_BODY}") for fault in unknown]
        return repeated + unknown

    def _body_faults(self, request: Request) -> list[Fault]:
        if self._takes_body(request):
            return []
        places = dict.fromkeys(self.known_query(request), "in the query")
        return unknown_faults(request.data, self.common_fields, loc=("body",), elsewhere=places)

    def _header_faults(self, request: Request) -> list[Fault]:
        # Ignored, it would overwrite what the client believes to be protected.
        action = getattr(self, "action", None)
        if request.method in SAFE_METHODS or action in self.conditional_actions:
            return []
        detail = "This operation has no versions, so it cannot depend on one. Leave it out."
        sent = [name for name in ("If-Match", "If-None-Match") if name in request.headers]
        return [Fault(("header", name), "no_versions", detail) for name in sent]

    def _takes_body(self, request: Request) -> bool:
        action = getattr(self, "action", None)
        return request.method not in SAFE_METHODS and action not in self.bodiless_actions
