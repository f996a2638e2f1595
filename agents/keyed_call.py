"""Tools that are called again with the same idempotency key: done once, answered as before."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from pydantic import Field, TypeAdapter

from accounts.idempotency import MAX_KEY_LENGTH, Attempt, Replay, check_key
from accounts.models import Scope

from .schemas import WrittenMemory
from .tool_call import Caller, RequestContext, run_tool

T = TypeVar("T")

# What to add to the result of the call that is being made.
call_notes: ContextVar[dict[str, Any]] = ContextVar("call_notes")

IdempotencyKey = Annotated[
    str | None,
    Field(
        max_length=MAX_KEY_LENGTH,
        description="A new UUID for each new call. A call that is sent again with the same one, "
        "because its answer was lost, is done once.",
    ),
]


@dataclass
class KeyedCall:
    """A call of a tool with an idempotency key. `is_slow` if it calls a model before its change."""

    key: str
    tool: str
    arguments: Mapping[str, Any]
    result_type: Any
    is_slow: bool = False
    was_replayed: bool = field(default=False, init=False)

    def run(self, caller: Caller, tool: Callable[[Caller], T]) -> T:
        arguments = json.loads(json.dumps(dict(self.arguments), default=str))
        call = ["mcp", self.tool, caller.app_name, arguments]
        if caller.user != caller.key.user:  # whom the address names
            call.append(caller.user.named_id)
        adapter: TypeAdapter[T] = TypeAdapter(self.result_type)
        attempt = Attempt(check_key(self.key), caller=caller.key, subject=caller.user, call=call)
        try:
            with attempt.run(at_once=not self.is_slow):
                result = tool(caller)
                answer = adapter.dump_python(result, mode="json")
                attempt.keep(answer, shown=_shown_memory(result, caller))
                return result
        except Replay as replay:
            memories = caller.memories()  # raises AppPaused
            if replay.shown is not None:
                memories.only("pk").one(replay.shown)
            self.was_replayed = True
            return adapter.validate_python(replay.answer)


async def run_once(context: RequestContext, tool: Callable[[Caller], T], keyed: KeyedCall) -> T:
    """Run a tool that changes something, unless it was run before with this key."""
    result = await run_tool(
        context,
        lambda caller: keyed.run(caller, tool),
        scope=Scope.WRITE,
        arguments=keyed.arguments,
    )
    if keyed.was_replayed:
        call_notes.get()["replayed"] = True
    return result


def _shown_memory(result: Any, caller: Caller) -> uuid.UUID | None:
    is_shown = isinstance(result, WrittenMemory) and caller.key.can_read
    return uuid.UUID(result.id) if is_shown else None
