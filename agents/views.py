"""The endpoints of MCP: the current one, and those of the original server."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpResponse, QueryDict, StreamingHttpResponse
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.authentication import AuthenticatedRequest
from accounts.subjects import resolve_subject
from apps_registry.models import App
from core.api.exception_handler import InvalidRequest
from core.api.origins import ORIGIN_NOT_ALLOWED, has_allowed_origin
from core.api.problems import Fault
from core.api.rate_limits import READS, WRITES, RateLimited, RateLimitThrottle, count_request
from core.api.serializers import REPEATED_CODE, REPEATED_DETAIL, repeated_names
from core.api.unknown_fields import unknown_faults
from core.errors import Malformed
from core.visible_text import is_visible

from . import sse
from .accept import EVENT_STREAM, JSON, preferred_format
from .argument_names import asks_for_less, is_typo
from .asgi_bridge import BridgeResponse, Headers, McpBridge, memory_bridge, openmemory_bridge
from .messages import Message
from .tool_call import Caller

MAX_NAME = App._meta.get_field("name").max_length or 0

# The parameters of `/mcp`.
QUERY = ("app", "user_id")

# What the SDK demands of every client. The views answer in the format that a client accepts.
ACCEPT = (b"accept", b"application/json, text/event-stream")

# Headers of messages posted for a stream, in place of the client's. Only these are valid.
SSE_MESSAGE_HEADERS = [ACCEPT, (b"content-type", b"application/json")]


class AllowedOrigin(BasePermission):
    """Rejects other web pages: a browser could reach a server on its machine for any of them."""

    message = f"{ORIGIN_NOT_ALLOWED}: add it."
    code = "origin_not_allowed"

    def has_permission(self, request: Request, view: APIView) -> bool:
        return has_allowed_origin(request)


class McpContentNegotiation(BaseContentNegotiation):
    """No negotiation by renderers: `preferred_format` chooses between the formats of MCP."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class AgentView(APIView):
    request: AuthenticatedRequest

    permission_classes = [IsAuthenticated, AllowedOrigin]
    content_negotiation_class = McpContentNegotiation
    throttle_classes: list[Any] = []  # each message counts by the tool that it calls

    def answer(
        self, bridge: McpBridge, *, user_id: str | None, app_name: str | None
    ) -> HttpResponse:
        """Answer the message in the body, in the format that the client accepts."""
        reject_session(self.request)
        media_type = preferred_format(self.request.headers.get("Accept", ""))
        if media_type is None:
            raise NotAcceptable(f"Accept {JSON} or {EVENT_STREAM}.")
        response = self.respond(
            bridge, asgi_headers(self.request), user_id=user_id, app_name=app_name
        )
        if media_type == EVENT_STREAM and response.status == 200:
            response.body = sse.format_event("message", response.body)
            response.headers["content-type"] = EVENT_STREAM
            response.headers.pop("content-length", None)  # of the body before
        return to_response(response)

    def respond(
        self, bridge: McpBridge, headers: Headers, *, user_id: str | None, app_name: str | None
    ) -> BridgeResponse:
        """Return the SDK's response to the message in the body, for the named user and app."""
        if app_name is not None and not (is_visible(app_name) and len(app_name) <= MAX_NAME):
            raise Malformed(f"The name of an app has 1 to {MAX_NAME} characters.", field="app")
        request, message = self.request, Message.parse(self.request.body)
        user = resolve_subject(request.auth, user_id=user_id)
        usage = count_request(request._request, READS if bridge.is_read_only(message) else WRITES)
        request._request.usage = usage  # type: ignore[attr-defined]
        # Over the limit, a tool returns the error in its result, where the model reads it.
        if usage and usage.exceeded and message.tool is None:
            raise RateLimited(wait=usage.seconds_left)
        caller = Caller(request.auth, user, app_name, usage)
        return bridge.handle(request.body, headers, caller)


class McpView(AgentView):
    """`/mcp`: the key determines the user and the app, unless the query names them."""

    def post(self, request: AuthenticatedRequest) -> HttpResponse:
        check_query(request.query_params)
        return self.answer(
            memory_bridge(),
            user_id=request.query_params.get("user_id") or None,
            app_name=request.query_params.get("app") or None,
        )


class OpenMemoryMcpView(AgentView):
    """`/mcp/{client}/http/{user}` of the original server."""

    def post(self, request: AuthenticatedRequest, client: str, user_id: str) -> HttpResponse:
        return self.answer(openmemory_bridge(), user_id=user_id, app_name=client)


class SseView(AgentView):
    """`/mcp/{client}/sse/{user}` of the original server: the stream of responses."""

    throttle_classes = [RateLimitThrottle]

    def get(
        self, request: AuthenticatedRequest, client: str, user_id: str
    ) -> StreamingHttpResponse:
        caller = Caller(request.auth, resolve_subject(request.auth, user_id=user_id), client)
        session = sse.open_session(caller, client=client)
        return StreamingHttpResponse(
            sse.open_stream(session),
            content_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )


class MessagePostView(AgentView):
    """Receives the messages of a stream's client."""

    def post(self, request: AuthenticatedRequest, **_: str) -> HttpResponse:
        session_id = request.query_params.get("session_id", "")
        session = sse.find_session(session_id, key=str(request.auth.pk))
        response = self.respond(
            openmemory_bridge(),
            SSE_MESSAGE_HEADERS,
            user_id=session.named_id or session.user_id,
            app_name=session.client,
        )
        if response.status >= 400:
            return to_response(response)
        if response.body:
            sse.send(response.body, session)
        return HttpResponse("Accepted", status=202, content_type="text/plain")


def check_query(params: QueryDict) -> None:
    """Refuse a parameter that may name the app or the user, on which it depends what is read.

    Others, which proxies add for themselves, have no effect. Raises InvalidRequest.
    """
    if settings.LEGACY_CLIENTS:
        return
    meant = [name for name in params if is_typo(name, QUERY) or asks_for_less(name)]
    repeated = [name for name in repeated_names(params) if name in QUERY]
    faults = [Fault(("query", name), REPEATED_CODE, REPEATED_DETAIL) for name in repeated]
    faults += unknown_faults(meant, QUERY, loc=("query",))
    if faults:
        raise InvalidRequest(faults)


def reject_session(request: Request) -> None:
    """Raises SessionNotFound for a session id: this server has none, so it is another server's.

    Clients of protocol versions before 2026-07-28 then reconnect. Later versions have no sessions.
    """
    version = request.headers.get("MCP-Protocol-Version")
    if "Mcp-Session-Id" in request.headers and version in (None, *HANDSHAKE_PROTOCOL_VERSIONS):
        raise sse.SessionNotFound


def asgi_headers(request: Request) -> Headers:
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in request.headers.items()
        if name not in ("Authorization", "Accept")
    ]
    return [*headers, ACCEPT]


def to_response(response: BridgeResponse) -> HttpResponse:
    content_type = response.headers.pop("content-type", "text/plain; charset=utf-8")
    return HttpResponse(
        response.body, status=response.status, content_type=content_type, headers=response.headers
    )
