"""Where agents call: over HTTP at one address, and at those of the original server."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.authentication import AuthenticatedRequest
from accounts.subjects import resolve_subject
from apps_registry.models import App
from core.api.origins import ORIGIN_NOT_ALLOWED, has_allowed_origin
from core.api.rate_limits import READS, WRITES, RateLimited, RateLimitThrottle, count_request
from core.errors import Malformed

from . import sse
from .asgi_bridge import Answer, Desk, Headers, memory_desk, original_desk
from .messages import Message
from .tool_call import Caller

MAX_NAME = App._meta.get_field("name").max_length or 0

# A message that is posted for a stream carries its own kind: there is only one that is right.
POSTED = [
    (b"accept", b"application/json, text/event-stream"),
    (b"content-type", b"application/json"),
]


class AllowedPage(BasePermission):
    """A page that somebody visits must not reach a server that only their machine reaches."""

    message = f"{ORIGIN_NOT_ALLOWED}: add it."
    code = "origin_not_allowed"

    def has_permission(self, request: Request, view: APIView) -> bool:
        return has_allowed_origin(request)


class AsTheSdkSays(BaseContentNegotiation):
    """The protocol has rules of its own about what a client must accept."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class AgentView(APIView):
    request: AuthenticatedRequest

    permission_classes = [IsAuthenticated, AllowedPage]
    content_negotiation_class = AsTheSdkSays
    throttle_classes: list[Any] = []  # each message counts for what it asks for

    def answer(
        self, desk: Desk, headers: Headers, *, named: str | None, app_name: str | None
    ) -> Answer:
        """Have the SDK answer the message in the body, for the user and as the app named."""
        if app_name is not None and not (app_name.strip() and len(app_name) <= MAX_NAME):
            raise Malformed(f"The name of an app has 1 to {MAX_NAME} characters.", field="app")
        request, message = self.request, Message.read(self.request.body)
        user = resolve_subject(request.auth, user_id=named)
        usage = count_request(request._request, READS if desk.only_reads(message) else WRITES)
        request._request.usage = usage  # type: ignore[attr-defined]
        # A tool that was called too often says so itself, where a model reads it.
        if usage and usage.exceeded and message.tool is None:
            raise RateLimited(wait=usage.seconds_left)
        caller = Caller(request.auth, user, app_name, usage)
        return desk.exchange(request.body, headers, caller)


class MemoryView(AgentView):
    """`/mcp`: the key says who, and as which app. The query may name both."""

    def post(self, request: AuthenticatedRequest) -> HttpResponse:
        refuse_sessions(request)
        return as_response(
            self.answer(
                memory_desk(),
                headers_of(request),
                named=request.query_params.get("user_id") or None,
                app_name=request.query_params.get("app") or None,
            )
        )


class OriginalView(AgentView):
    """`/mcp/{client}/http/{user}` of the original."""

    def post(self, request: AuthenticatedRequest, client: str, user_id: str) -> HttpResponse:
        refuse_sessions(request)
        answer = self.answer(original_desk(), headers_of(request), named=user_id, app_name=client)
        return as_response(answer)


class StreamView(AgentView):
    """`/mcp/{client}/sse/{user}` of the original: a stream of the answers to what is posted."""

    throttle_classes = [RateLimitThrottle]

    def get(
        self, request: AuthenticatedRequest, client: str, user_id: str
    ) -> StreamingHttpResponse:
        caller = Caller(request.auth, resolve_subject(request.auth, user_id=user_id), client)
        session = sse.begin(caller, client=client)
        return StreamingHttpResponse(
            sse.events(session),
            content_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )


class PostedView(AgentView):
    """What is posted for a stream."""

    def post(self, request: AuthenticatedRequest, **_: str) -> HttpResponse:
        session_id = request.query_params.get("session_id", "")
        session = sse.find(session_id, key=str(request.auth.pk))
        answer = self.answer(
            original_desk(), POSTED, named=session.user_id, app_name=session.client
        )
        if answer.status >= 400:
            return as_response(answer)
        if answer.body:
            sse.put(answer.body, session)
        return HttpResponse("Accepted", status=202, content_type="text/plain")


def refuse_sessions(request: Request) -> None:
    """No session is kept, so one that a client has is of another server. Raises SessionNotFound.

    Clients of before 2026-07-28 begin anew then. Later ones know no sessions.
    """
    version = request.headers.get("MCP-Protocol-Version")
    if "Mcp-Session-Id" in request.headers and version in (None, *HANDSHAKE_PROTOCOL_VERSIONS):
        raise sse.SessionNotFound


def headers_of(request: Request) -> Headers:
    return [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in request.headers.items()
        if name != "Authorization"
    ]


def as_response(answer: Answer) -> HttpResponse:
    content_type = answer.headers.pop("content-type", "text/plain; charset=utf-8")
    return HttpResponse(
        answer.body, status=answer.status, content_type=content_type, headers=answer.headers
    )
