"""Which tools a key is offered: those that its scopes permit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp.server.context import CallNext, HandlerResult

from accounts.models import Scope

from .tool_call import RequestContext, call_of


async def offer_permitted_tools(ctx: RequestContext, call_next: CallNext) -> HandlerResult:
    """Leave out of the list what would only be refused. Calls are checked all the same."""
    result = await call_next(ctx)
    if ctx.method == "tools/list" and isinstance(result, dict) and "tools" in result:
        scopes = call_of(ctx).caller.key.scopes
        tools = [tool for tool in result["tools"] if _needed_scope(tool) in scopes]
        return {**result, "tools": tools}
    return result


def _needed_scope(tool: Mapping[str, Any]) -> Scope:
    return Scope.READ if tool["annotations"]["readOnlyHint"] else Scope.WRITE
