"""The OpenAPI document, made of the views and of their own docstrings."""

from __future__ import annotations

import inspect
import re
from http import HTTPStatus
from typing import Any

from drf_spectacular.drainage import warn
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent
from drf_spectacular.utils import Direction
from rest_framework.permissions import SAFE_METHODS

from . import problems

_SECTION = re.compile(r"^([a-z_]+):(?:[ \t]+|$)", re.MULTILINE)

_REFUSALS = {
    "400": ("Malformed", "The request is malformed: `errors` names each place that is wrong."),
    "401": ("Unauthenticated", "The key is missing, invalid, revoked or expired."),
    "403": ("Forbidden", "This key, user or app may not do that."),
    "404": ("NotFound", "There is no such object, or it is not yours."),
    "406": ("NotAcceptable", "The answer has no media type that the client accepts."),
    "409": ("Conflict", "That contradicts the present state."),
    "410": ("Gone", "It was there, and was removed since."),
    "413": ("TooLarge", "The body is too large."),
    "415": ("UnsupportedMediaType", "The body is of a media type that is not read here."),
    "429": ("TooManyRequests", "That was too often: try again after `Retry-After` seconds."),
    "500": ("InternalError", "The server failed; its log says why, under the request id."),
    "503": ("Unavailable", "A needed service is away: try again after `Retry-After` seconds."),
}

_ALWAYS = {"400", "406", "500", "503"}
_WITH_KEY = {"401", "403", "429"}
_WITH_BODY = {"409", "413", "415"}


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "accounts.authentication.BearerAuthentication"
    name = "Bearer"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "An API key of the user."}


class DocstringSchema(AutoSchema):
    """Documents an operation with the docstring of its action.

    The first paragraph is the summary, the rest the description. An action that a mixin brings
    has a section in the docstring of its view, which begins with a line such as `list: …`.
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
            for status in sorted(self._refusals(operation)):
                operation["responses"].setdefault(status, self._refusal(status).ref)
            self._complete_answers(operation)
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
        # Asking the view would ask for the objects of whoever calls, and nobody does.
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

    def _refusals(self, operation: dict[str, Any]) -> set[str]:
        """Say which refusals this operation can answer with."""
        view = self.view
        statuses = set(_ALWAYS)
        if any(operation.get("security", [])):
            statuses |= _WITH_KEY
        # A view that is about one user takes the `user_id` of nobody, too.
        if "{" in self.path or hasattr(type(view), "subject"):
            statuses.add("404")
        if self.method not in SAFE_METHODS:
            statuses |= _WITH_BODY
        if self._action() in getattr(view, "safe_actions", ()):
            statuses.discard("409")
        return statuses.union(getattr(view, "refusals", {}).get(self._action(), ()))

    def _refusal(self, status: str) -> ResolvedComponent:
        name, description = _REFUSALS[status]
        headers = {"401": "WWW-Authenticate", "429": "Retry-After", "503": "Retry-After"}
        content = {problems.MEDIA_TYPE: {"schema": self._component("schemas", "Problem").ref}}
        response: dict[str, Any] = {"description": description, "content": content}
        if status in headers:
            response["headers"] = {headers[status]: {"schema": {"type": "string"}}}
        return self._register("responses", name, response)

    def _complete_answers(self, operation: dict[str, Any]) -> None:
        header = {
            name: self._component("headers", component).ref for name, component in _HEADERS.items()
        }
        for status, response in operation["responses"].items():
            if "$ref" not in response:
                response["headers"] = {**header, **response.get("headers", {})}
                response["description"] = response["description"] or HTTPStatus(int(status)).phrase

    def _get_response_bodies(self, direction: Direction = "response") -> Any:
        """Everything that worked is answered 200, unless the view names another status."""
        parent: Any = super()
        declared = self.get_response_serializers()
        if isinstance(declared, dict):
            return parent._get_response_bodies(direction)
        return {"200": parent._get_response_for_code(declared, "200", direction=direction)}

    def _get_pagination_parameters(self) -> Any:
        """A list that is asked for in a body has its page there."""
        parent: Any = super()
        return parent._get_pagination_parameters() if self.method == "GET" else []

    def _get_request_body(self, direction: Direction = "request") -> Any:
        """DELETE has a body, too, where the view names its serializer."""
        parent: Any = super()
        if self.method != "DELETE" or not inspect.isclass(self.get_request_serializer()):
            return parent._get_request_body(direction)
        self.method = "POST"
        try:
            return parent._get_request_body(direction)
        finally:
            self.method = "DELETE"

    def _component(self, kind: str, name: str) -> ResolvedComponent:
        return self._register(kind, name, _COMPONENTS[kind, name])

    def _register(self, kind: str, name: str, schema: dict[str, Any]) -> ResolvedComponent:
        component = ResolvedComponent(  # type: ignore[no-untyped-call]
            name=name, type=kind, schema=schema, object=name
        )
        self.registry.register_on_missing(component)
        return component


def describe_tags(result: dict[str, Any], generator: Any, **_: Any) -> dict[str, Any]:
    """Give each group of operations the introduction of its view's docstring."""
    described: dict[str, str] = {}
    for path, _regex, method, callback in generator.endpoints:
        tag = result["paths"].get(path, {}).get(method.lower(), {}).get("tags", [""])[0]
        introduction = inspect.cleandoc(callback.cls.__doc__ or "").split("\n\n")[0]
        if tag and introduction:
            described.setdefault(tag, introduction)
    result["tags"] = [{"name": tag, "description": described[tag]} for tag in sorted(described)]
    return result


def _text(description: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "description": description, **more}


# What every answer carries; those about limits, as long as the limit is not off.
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
            "description": "Where: `body` or `query`, then the way to the value.",
        },
        "code": _text("What is wrong, for programs. It does not change."),
        "detail": _text("What is wrong, in a sentence."),
    },
}

_COMPONENTS: dict[tuple[str, str], dict[str, Any]] = {
    ("headers", "RequestId"): {
        "description": "The id of this request: the one that was sent, or a new one.",
        "schema": {"type": "string"},
    },
    ("headers", "RateLimitPolicy"): {
        "description": "Which limit this request counted for, and how many are let in how long: "
        '`"reads";q=6000;w=60`.',
        "schema": {"type": "string"},
    },
    ("headers", "RateLimit"): {
        "description": "How many more are let in, and in how many seconds it starts anew: "
        '`"reads";r=5990;t=32`.',
        "schema": {"type": "string"},
    },
    ("headers", "RateLimitLimit"): {
        "description": "How many requests are let in.",
        "schema": {"type": "integer"},
    },
    ("headers", "RateLimitRemaining"): {
        "description": "How many more are let in.",
        "schema": {"type": "integer"},
    },
    ("headers", "RateLimitReset"): {
        "description": "When it starts anew, in seconds since 1970.",
        "schema": {"type": "integer"},
    },
    ("schemas", "Problem"): {
        "type": "object",
        "description": "What went wrong, as of RFC 9457.",
        "required": ["type", "title", "status", "detail", "code", "request_id"],
        "properties": {
            "type": _text("Always `about:blank`: see `code`.", format="uri-reference"),
            "title": _text("What the status means."),
            "status": {"type": "integer", "description": "The status of the answer."},
            "detail": _text("What went wrong, in a sentence."),
            "code": _text("What went wrong, for programs. It does not change."),
            "request_id": _text("What the server's log calls this request."),
            "errors": {
                "type": "array",
                "items": _FAULT,
                "description": "Each place of the request that is wrong.",
            },
        },
    },
}
