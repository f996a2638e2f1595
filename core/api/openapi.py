"""The OpenAPI document, generated from the views and their docstrings."""

from __future__ import annotations

import inspect
import re
from http import HTTPStatus
from typing import Any

from drf_spectacular.drainage import warn
from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent
from drf_spectacular.utils import Direction
from rest_framework.permissions import SAFE_METHODS

from . import problems
from .fields import TIME_SCHEMA
from .serializers import RequestSerializer

_SECTION = re.compile(r"^([a-z_]+):(?:[ \t]+|$)", re.MULTILINE)

_ERROR_RESPONSES = {
    "400": ("Malformed", "The request is malformed. `errors` lists each invalid value."),
    "401": ("Unauthenticated", "The API key is missing, invalid, revoked or expired."),
    "403": ("Forbidden", "The key, user or app is not allowed to do this."),
    "404": ("NotFound", "The object does not exist, or belongs to another user."),
    "406": ("NotAcceptable", "The endpoint has no media type that the client accepts."),
    "409": ("Conflict", "The request conflicts with the current state."),
    "410": ("Gone", "The object existed, but has been removed."),
    "413": ("TooLarge", "The body is too large."),
    "415": ("UnsupportedMediaType", "The endpoint does not read the media type of the body."),
    "429": ("TooManyRequests", "Rate limit exceeded. Retry after `Retry-After` seconds."),
    "500": ("InternalError", "Internal server error. The log has its cause under the request id."),
    "503": ("Unavailable", "A required service is down. Retry after `Retry-After` seconds."),
    "507": ("DiskFull", "The server's disk is full: nothing was stored."),
}

_ALWAYS = {"400", "406", "500", "503", "507"}
_WITH_KEY = {"401", "403", "429"}
_WITH_BODY = {"409", "413", "415"}


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "accounts.authentication.BearerAuthentication"
    name = "Bearer"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "An API key."}


class EpochFieldExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "core.api.fields.EpochField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        return TIME_SCHEMA if direction == "request" else {"type": "integer"}


class OneOrMoreFieldExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "core.api.fields.OneOrMoreField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: Direction) -> dict[str, Any]:
        many: dict[str, Any] = auto_schema._map_serializer_field(
            self.target, direction, bypass_extensions=True
        )
        auto_schema._insert_field_validators(self.target, many)
        # Clients that are generated from the schema always send a list of objects.
        return many if "$ref" in many["items"] else {"anyOf": [many, many["items"]]}


class DocstringSchema(AutoSchema):
    """Documents an operation with the docstring of its action.

    The first paragraph is the summary, the rest the description. Actions inherited from a mixin
    have sections in the docstring of the view. A section begins with a line such as `list: …`.
    """

    def get_operation(
        self,
        path: str,
        path_regex: str,
        path_prefix: str,
        method: str,
        registry: ComponentRegistry,
    ) -> dict[str, Any] | None:
        operation = super().get_operation(path, path_regex, path_prefix, method, registry)
        if operation is not None:
            for status in sorted(self._error_statuses(operation)):
                operation["responses"].setdefault(status, self._error_response(status).ref)
            self._complete_responses(operation)
        return operation

    def get_summary(self) -> str | None:
        summary, _, _ = self._doc().partition("\n\n")
        if not summary:
            warn(f"{self.method} {self.path} has no docstring to be documented with.")
        return " ".join(summary.split()).removesuffix(".") or None

    def get_description(self) -> str:  # type: ignore[override]
        _, _, description = self._doc().partition("\n\n")
        return description.strip()

    def get_operation_id(self) -> str:
        """`memories_list`, `memories_search`, `apps_rules_create`: the path, then the action."""
        words = [word.replace("-", "_") for word in self._tokenize_path()]
        return "_".join(words if words[-1] == self._action() else [*words, self._action()])

    def get_filter_backends(self) -> list[Any]:
        filters = getattr(self.view, "filterset_class", None)
        if filters is None or self.method != "GET":
            return []
        # `get_queryset` of the view needs a user, and here is none.
        view: Any = self.view
        view.queryset = filters._meta.model._default_manager.none()
        return list(super().get_filter_backends())

    def _action(self) -> str:
        return getattr(self.view, "action", None) or self.method.lower()

    def _doc(self) -> str:
        action = getattr(type(self.view), self._action(), None)
        own = inspect.cleandoc(action.__doc__ or "") if action else ""
        return own or self._section(inspect.cleandoc(type(self.view).__doc__ or ""))

    def _section(self, doc: str) -> str:
        _, *parts = _SECTION.split(doc)
        sections = dict(zip(parts[::2], parts[1::2], strict=True))
        return sections.get(self._action(), "").strip()

    def _error_statuses(self, operation: dict[str, Any]) -> set[str]:
        """Return the statuses of the error responses that this operation can have."""
        view = self.view
        statuses = set(_ALWAYS)
        if any(operation.get("security", [])):
            statuses |= _WITH_KEY
        # A view about one user also answers 404 to an unknown `user_id`.
        if "{" in self.path or hasattr(type(view), "subject"):
            statuses.add("404")
        if self.method not in SAFE_METHODS:
            statuses |= _WITH_BODY
        if self._action() in getattr(view, "safe_actions", ()):
            statuses.discard("409")
        return statuses.union(getattr(view, "error_statuses", {}).get(self._action(), ()))

    def _error_response(self, status: str) -> ResolvedComponent:
        name, description = _ERROR_RESPONSES[status]
        headers = {"401": "WWW-Authenticate", "429": "Retry-After", "503": "Retry-After"}
        content = {problems.MEDIA_TYPE: {"schema": self._component("schemas", "Problem").ref}}
        response: dict[str, Any] = {"description": description, "content": content}
        if status in headers:
            response["headers"] = {headers[status]: {"schema": {"type": "string"}}}
        return self._register("responses", name, response)

    def _complete_responses(self, operation: dict[str, Any]) -> None:
        headers = {
            name: self._component("headers", component).ref for name, component in _HEADERS.items()
        }
        for status, response in operation["responses"].items():
            if "$ref" not in response:
                response["headers"] = {**headers, **response.get("headers", {})}
                response["description"] = response["description"] or HTTPStatus(int(status)).phrase

    def _get_response_bodies(self, direction: Direction = "response") -> Any:
        """The status of success is 200, unless the view declares another one."""
        parent: Any = super()
        declared = self.get_response_serializers()
        if isinstance(declared, dict):
            return parent._get_response_bodies(direction)
        return {"200": parent._get_response_for_code(declared, "200", direction=direction)}

    def _get_pagination_parameters(self) -> Any:
        """Only GET has page parameters in the query. Other methods have them in the body."""
        parent: Any = super()
        return parent._get_pagination_parameters() if self.method == "GET" else []

    def _get_request_body(self, direction: Direction = "request") -> Any:
        """DELETE has a body, too, if the view declares a serializer for it."""
        parent: Any = super()
        if self.method != "DELETE" or not inspect.isclass(self.get_request_serializer()):
            return parent._get_request_body(direction)
        self.method = "POST"
        try:
            return parent._get_request_body(direction)
        finally:
            self.method = "DELETE"

    def _map_basic_serializer(self, serializer: Any, direction: Direction) -> dict[str, Any]:
        parent: Any = super()
        schema: dict[str, Any] = parent._map_basic_serializer(serializer, direction)
        serializer_class = serializer if inspect.isclass(serializer) else type(serializer)
        if direction == "request" and issubclass(serializer_class, RequestSerializer):
            schema["additionalProperties"] = False
        return schema

    def _component(self, kind: str, name: str) -> ResolvedComponent:
        return self._register(kind, name, _COMPONENTS[kind, name])

    def _register(self, kind: str, name: str, schema: dict[str, Any]) -> ResolvedComponent:
        component = ResolvedComponent(  # type: ignore[no-untyped-call]
            name=name, type=kind, schema=schema, object=name
        )
        self.registry.register_on_missing(component)
        return component


def describe_tags(result: dict[str, Any], generator: Any, **_: Any) -> dict[str, Any]:
    """Describe each tag with the first paragraph of its view's docstring."""
    descriptions: dict[str, str] = {}
    for path, _regex, method, callback in generator.endpoints:
        tag = result["paths"].get(path, {}).get(method.lower(), {}).get("tags", [""])[0]
        introduction = inspect.cleandoc(callback.cls.__doc__ or "").split("\n\n")[0]
        if tag and introduction:
            descriptions.setdefault(tag, introduction)
    result["tags"] = [
        {"name": tag, "description": description}
        for tag, description in sorted(descriptions.items())
    ]
    return result


def _string(description: str, **keywords: Any) -> dict[str, Any]:
    return {"type": "string", "description": description, **keywords}


# Headers of every response. Those of rate limits are missing where the limit is off.
_HEADERS = {
    "X-Request-ID": "RequestId",
    "RateLimit-Policy": "RateLimitPolicy",
    "RateLimit": "RateLimit",
    "X-RateLimit-Limit": "RateLimitLimit",
    "X-RateLimit-Remaining": "RateLimitRemaining",
    "X-RateLimit-Reset": "RateLimitReset",
}

_FAULT = {
    "type": "object",
    "required": ["loc", "code", "detail"],
    "properties": {
        "loc": {
            "type": "array",
            "items": {"type": ["string", "integer"]},
            "description": "The location: `body` or `query`, then the path to the value.",
        },
        "code": _string("The type of the fault, for programs. Codes do not change."),
        "detail": _string("The fault in a sentence."),
    },
}

_COMPONENTS: dict[tuple[str, str], dict[str, Any]] = {
    ("headers", "RequestId"): {
        "description": "The id of this request: the client's, or a new one.",
        "schema": {"type": "string"},
    },
    ("headers", "RateLimitPolicy"): {
        "description": "The limit that this request counted towards, its quota and its window in "
        'seconds: `"reads";q=6000;w=60`.',
        "schema": {"type": "string"},
    },
    ("headers", "RateLimit"): {
        "description": "The remaining requests, and the seconds until the window resets: "
        '`"reads";r=5990;t=32`.',
        "schema": {"type": "string"},
    },
    ("headers", "RateLimitLimit"): {
        "description": "The number of requests allowed in the window.",
        "schema": {"type": "integer"},
    },
    ("headers", "RateLimitRemaining"): {
        "description": "The number of requests remaining in the window.",
        "schema": {"type": "integer"},
    },
    ("headers", "RateLimitReset"): {
        "description": "When the window resets, in seconds since 1970.",
        "schema": {"type": "integer"},
    },
    ("schemas", "Problem"): {
        "type": "object",
        "description": "An error, in the format of RFC 9457.",
        "required": ["type", "title", "status", "detail", "code", "request_id"],
        "properties": {
            "type": _string("Always `about:blank`: see `code`.", format="uri-reference"),
            "title": _string("The name of the status."),
            "status": {"type": "integer", "description": "The HTTP status."},
            "detail": _string("The error in a sentence."),
            "code": _string("The type of the error, for programs. Codes do not change."),
            "request_id": _string("The id of this request in the server's log."),
            "errors": {
                "type": "array",
                "items": _FAULT,
                "description": "The invalid values of the request.",
            },
        },
    },
}
