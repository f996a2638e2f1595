"""Who calls a tool, and running what it does: in a thread that may use the database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import cached_property, partial
from types import MappingProxyType
from typing import Any, TypeVar

import redis
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest
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

NOTHING: Mapping[str, Any] = MappingProxyType({})

# Under this name a request that the SDK is given knows its call.
IN_SCOPE = "openmemory.call"

# What a refusal is for, where its own words do not say what to do.
ADVICE = {
    "memory_not_found": "Find the ids of memories with search_memories or get_memories.",
    "app_paused": "Only its person can resume it: tell them, and do not try again.",
    "key_scope": "Ask the person for a key that may do this.",
    "forbidden": "Ask the person for a key of that user.",
    "unavailable": "Try again in a few seconds.",
}

# A model that is told of so many mends them first.
FAULTS_TOLD = 10

# What verbs raise on purpose. Anything else is a mistake of ours: the SDK logs it and keeps it.
REFUSALS = (
    OpenMemoryError,
    APIException,
    OperationalError,
    InterfaceError,
    redis.RedisError,
)


@dataclass(frozen=True)
class Caller:
    """A key, the user it calls about, and the app that its address names, if any."""

    key: ApiKey
    user: User
    app_name: str | None = None
    usage: Usage | None = None  # of the limit that this call counts for

    @cached_property
    def app(self) -> App | None:
        """The app that reads, or None for a person. Raises AppPaused and BoundToAnotherApp."""
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
        return Reader(self.user, self.app)

    def memories(self) -> MemoryQuerySet:
        """The memories that exist for this caller, in any state."""
        return self.reader.memories()


@dataclass(frozen=True)
class Call:
    """A caller, and the one thread in which what they ask for is done."""

    caller: Caller
    executor: Executor


# What the SDK knows of the message that is being answered.
Asked = ServerRequestContext[Any, Any]


def call_of(asked: Asked) -> Call:
    # Over stdio there is one caller for as long as the process lives.
    call = asked.request.scope[IN_SCOPE] if asked.request else asked.lifespan_context
    assert isinstance(call, Call)  # noqa: S101 - else the server was made without one
    return call


async def perform(
    asked: Asked,
    work: Callable[[Caller], T],
    *,
    scope: Scope,
    given: Mapping[str, Any] = NOTHING,
) -> T:
    """Do the work of a tool, with a caller who may. Raises ToolError for what is refused.

    `given` is what was sent for it.
    """
    call = call_of(asked)
    # Anew for each message: the app of a caller who stays may have been paused meanwhile.
    attempt: Callable[[], T] = partial(_attempt, replace(call.caller), work, scope, given)
    try:
        return await asyncio.get_running_loop().run_in_executor(call.executor, attempt)
    except ServiceFailed as failure:
        raise ToolError(failure.detail) from failure


async def read(
    asked: Asked, work: Callable[[Caller], T], *, given: Mapping[str, Any] = NOTHING
) -> T:
    """Do the work of what is no tool, and so has no result that says what went wrong."""
    try:
        return await perform(asked, work, scope=Scope.READ, given=given)
    except ToolError as refusal:
        raise MCPError(INVALID_REQUEST, str(refusal)) from refusal


def _attempt(
    caller: Caller, work: Callable[[Caller], T], scope: Scope, given: Mapping[str, Any]
) -> T:
    try:
        if caller.usage and caller.usage.exceeded:
            raise RateLimited(wait=caller.usage.seconds_left)
        caller.key.require_scope(scope)
        # The SDK reads JSON as Python does: here it is as strict as a body of the API.
        parse_json(json.dumps(dict(given), default=str).encode())
        return work(caller)
    except REFUSALS as refusal:
        problem = problem_of(refusal, HttpRequest())
        if problem is None:
            raise
        raise ToolError(told(problem)) from refusal


def told(problem: Problem) -> str:
    """Say in one text what is wrong and what to do, for a model that reads it."""
    sentences = [fault.sentence() for fault in problem.faults[:FAULTS_TOLD]] or [problem.detail]
    advice = ADVICE.get(problem.code)
    return " ".join([*sentences, *([advice] if advice else []), f"({problem.code})"])


def described(tool: Callable[..., Any]) -> str:
    """The docstring of a tool, which is what a model reads, without its line breaks."""
    paragraphs = (tool.__doc__ or "").strip().split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
