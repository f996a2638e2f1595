"""The caller of a tool, and running the tool in a thread that may use the database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar

import redis
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest
from django.utils.functional import cached_property
from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver.exceptions import ToolError
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_REQUEST
from rest_framework.exceptions import APIException

from accounts.models import ApiKey, Scope, User
from apps_registry.acting_app import get_acting_app, get_writing_app
from apps_registry.models import App
from core.api.exception_handler import problem_of
from core.api.parsers import parse_json
from core.api.problems import Problem
from core.api.rate_limits import RateLimited, Usage
from core.errors import OpenMemoryError
from embedded.errors import ServiceFailed
from memories.access.reader import Reader
from memories.models.memory import MemoryQuerySet

T = TypeVar("T")

NO_ARGUMENTS: Mapping[str, Any] = MappingProxyType({})

# The key of the call in the ASGI scope that the SDK receives.
SCOPE_KEY = "openmemory.call"

# What the model should do about an error, if its detail does not say so.
ADVICE = {
    "memory_not_found": "Find the ids of memories with search_memories or get_memories.",
    "app_paused": "Only the user can resume the app. Tell the user, and do not retry.",
    "key_scope": "Ask the user for a key with this scope.",
    "forbidden": "Ask for a key of that user.",
    "unavailable": "Retry in a few seconds.",
}

# A model fixes the first faults first.
MAX_FAULTS = 10

# Errors that tools raise on purpose. All others are bugs: the SDK logs them and hides them.
EXPECTED_ERRORS = (
    OpenMemoryError,
    APIException,
    OperationalError,
    InterfaceError,
    redis.RedisError,
)


@dataclass(frozen=True)
class Caller:
    """An API key, the user whose memories it accesses, and the app named by the URL, if any."""

    key: ApiKey
    user: User
    app_name: str | None = None
    usage: Usage | None = None  # of the rate limit that this call counts for

    @cached_property
    def app(self) -> App | None:
        """The reading app, or None for a user. Raises AppPaused and BoundToAnotherApp."""
        return get_acting_app(self.key, user=self.user, app_name=self.app_name)

    @cached_property
    def remembering_app(self) -> App:
        return get_writing_app(self.key, user=self.user, app_name=self.app_name)

    @property
    def by(self) -> User:
        return self.key.user

    @cached_property
    def reader(self) -> Reader:
        """Raises AppPaused and BoundToAnotherApp."""
        return Reader(self.user, self.app, self.key)

    def memories(self) -> MemoryQuerySet:
        """The memories that exist for this caller, in any state."""
        return self.reader.memories()


@dataclass(frozen=True)
class Call:
    """A caller, and the executor that runs their tools in one thread."""

    caller: Caller
    executor: Executor


# The SDK's context of the current message.
RequestContext = ServerRequestContext[Any, Any]


def call_of(context: RequestContext) -> Call:
    # Over stdio the process has only one caller.
    call = context.request.scope[SCOPE_KEY] if context.request else context.lifespan_context
    assert isinstance(call, Call)  # noqa: S101 - else the server was created without one
    return call


async def run_tool(
    context: RequestContext,
    tool: Callable[[Caller], T],
    *,
    scope: Scope,
    arguments: Mapping[str, Any] = NO_ARGUMENTS,
) -> T:
    """Run a tool for a caller whose key has the scope. Raises ToolError for expected errors.

    `arguments` are those that the client sent.
    """
    call = call_of(context)
    # A new caller for each message, without cached apps: one may have been paused meanwhile.
    attempt: Callable[[], T] = partial(_attempt, replace(call.caller), tool, scope, arguments)
    try:
        return await asyncio.get_running_loop().run_in_executor(call.executor, attempt)
    except ServiceFailed as failure:
        raise ToolError(failure.detail) from failure


async def run_read_only(
    context: RequestContext,
    function: Callable[[Caller], T],
    *,
    arguments: Mapping[str, Any] = NO_ARGUMENTS,
) -> T:
    """Run a function of a prompt or resource, whose errors are protocol errors."""
    try:
        return await run_tool(context, function, scope=Scope.READ, arguments=arguments)
    except ToolError as error:
        raise MCPError(INVALID_REQUEST, str(error)) from error


def _attempt(
    caller: Caller, tool: Callable[[Caller], T], scope: Scope, arguments: Mapping[str, Any]
) -> T:
    try:
        if caller.usage and caller.usage.exceeded:
            raise RateLimited(wait=caller.usage.seconds_left)
        caller.key.require_scope(scope)
        # The SDK parses JSON leniently. Check the arguments as strictly as a body of the API.
        parse_json(json.dumps(dict(arguments), default=str).encode())
        return tool(caller)
    except EXPECTED_ERRORS as error:
        problem = problem_of(error, HttpRequest())
        if problem is None:
            raise
        raise ToolError(error_text(problem)) from error


def error_text(problem: Problem) -> str:
    """Describe an error, and what to do about it, for a language model."""
    sentences = [fault.sentence() for fault in problem.faults[:MAX_FAULTS]] or [problem.detail]
    advice = ADVICE.get(problem.code)
    return " ".join([*sentences, *([advice] if advice else []), f"({problem.code})"])


def get_docstring(tool: Callable[..., Any]) -> str:
    """Return the docstring of a tool without line breaks. Language models read it."""
    paragraphs = (tool.__doc__ or "").strip().split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
