"""Deleting all memories, with the user's confirmation if the client supports elicitation."""

from __future__ import annotations

from typing import Annotated

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import Elicit, Resolve
from pydantic import BaseModel, Field

from accounts.models import Scope
from agents.keyed_call import IdempotencyKey, KeyedCall, run_once
from agents.schemas import DeletedCount
from agents.tool_call import Caller, run_tool

from .write import delete_all, undeleted_memories


class Consent(BaseModel):
    forget_everything: bool = Field(description="Yes, delete all memories.")


async def request_consent(ctx: Context, confirm: bool) -> Consent | Elicit[Consent]:
    if not _supports_elicitation(ctx):
        return Consent(forget_everything=confirm)
    context = ctx.request_context
    count = await run_tool(
        context, lambda caller: undeleted_memories(caller).count(), scope=Scope.WRITE
    )
    return Elicit(f"Delete all {count} memories? No search or list will show them.", Consent)


async def delete_all_memories(
    ctx: Context,
    consent: Annotated[Consent, Resolve(request_consent)],
    confirm: Annotated[
        bool, Field(description="True only after the user has confirmed the deletion.")
    ] = False,
    idempotency_key: IdempotencyKey = None,
) -> DeletedCount:
    """Delete all memories about the user.

    Call it only when the user asks for exactly that. If the client can ask the user, it does.
    Otherwise the call needs `confirm: true`. Without it, the tool returns the number of memories
    that it would delete.
    """
    confirmed = consent.forget_everything
    context = ctx.request_context

    def call(caller: Caller) -> DeletedCount:
        return delete_all(caller, confirmed=confirmed)

    if idempotency_key is None:
        return await run_tool(context, call, scope=Scope.WRITE)
    arguments = {"confirmed": confirmed}
    keyed = KeyedCall(idempotency_key, "delete_all_memories", arguments, DeletedCount)
    return await run_once(context, call, keyed)


def _supports_elicitation(ctx: Context) -> bool:
    # Before protocol version 2026-07-28, elicitation needs a session, and over HTTP there is none.
    # Such clients' capabilities do not arrive here.
    elicitation = ctx.client_capabilities and ctx.client_capabilities.elicitation
    return bool(elicitation and (elicitation.form is not None or elicitation.url is None))
