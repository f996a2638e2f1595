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
from .schema_parts import COMPONENTS, HEADERS, IDEMPOTENCY_KEY, PRECONDITIONS, UNLESS_THERE
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
    "412": ("PreconditionFailed", "The object is not in the version that `If-Match` names."),
    "413": ("TooLarge", "The body is too large."),
    "415": ("UnsupportedMediaType", "The endpoint does not read the media type of the body."),
    "422": ("KeyReused", "The `Idempotency-Key` was used for another request."),
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
            self._add_entity_tags(operation)
            self._add_idempotency_key(operation)
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
        if self._is_conditional():
            statuses.add("412")
        if self._takes_idempotency_key():
            statuses |= {"409", "422"}
        elif self._action() in getattr(view, "safe_actions", ()):
            statuses.discard("409")
        return statuses.union(getattr(view, "error_statuses", {}).get(self._action(), ()))

    def _is_conditional(self) -> bool:
        return self._action() in getattr(self.view, "conditional_actions", ())

    def _add_entity_tags(self, operation: dict[str, Any]) -> None:
        """Document the version that an answer has, and that a request may depend on."""
        answer = operation["responses"].get("200", {})
        is_read = self.method == "GET" and "application/json" in answer.get("content", {})
        tag = {"ETag": self._component("headers", "EntityTag").ref}
        if is_read or self._action() in getattr(self.view, "tagged_actions", ()):
            answer["headers"] = tag
        if is_read:
            operation["responses"]["304"] = {"description": "Not Modified", "headers": tag}
        if is_read or self._is_conditional():
            name = "If-None-Match" if is_read else "If-Match"
            self._add_header(operation, name, PRECONDITIONS[name])
        if self._action() in getattr(self.view, "creating_actions", ()):
            self._add_header(operation, "If-None-Match", UNLESS_THERE)

    def _add_header(self, operation: dict[str, Any], name: str, description: str) -> None:
        schema = {"type": "string"}
        header = {"in": "header", "name": name, "schema": schema, "description": description}
        operation["parameters"] = [*operation.get("parameters", []), header]

    def _takes_idempotency_key(self) -> bool:
        takes = getattr(self.view, "takes_idempotency_key", None)
        is_change = self.method not in SAFE_METHODS
        return is_change and takes is not None and bool(takes(method=self.method))

    def _add_idempotency_key(self, operation: dict[str, Any]) -> None:
        """Document the key of a call that may be repeated, and the mark of an answer that was."""
        if not self._takes_idempotency_key():
            return
        operation["parameters"] = [*operation.get("parameters", []), IDEMPOTENCY_KEY]
        replayed = {"Idempotency-Replayed": self._component("headers", "IdempotencyReplayed").ref}
        for status, response in operation["responses"].items():
            if status.startswith("2"):
                response["headers"] = {**response.get("headers", {}), **replayed}

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
            name: self._component("headers", component).ref for name, component in HEADERS.items()
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
        return self._register(kind, name, COMPONENTS[kind, name])

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
