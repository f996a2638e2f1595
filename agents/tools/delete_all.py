"""Forgetting everything, which asks the person first where their client can."""

from __future__ import annotations

from typing import Annotated

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import Elicit, Resolve
from pydantic import BaseModel, Field

from accounts.models import Scope
from agents.schemas import Deleted
from agents.tool_call import perform

from .write import delete_all, undeleted


class Consent(BaseModel):
    forget_everything: bool = Field(description="Yes, forget all of it.")


async def consent(ctx: Context, confirm: bool) -> Consent | Elicit[Consent]:
    if not _can_ask(ctx):
        return Consent(forget_everything=confirm)
    asked = ctx.request_context
    count = await perform(asked, lambda caller: undeleted(caller).count(), scope=Scope.WRITE)
    return Elicit(f"Forget all {count} memories? They leave every search and list.", Consent)


async def delete_all_memories(
    ctx: Context,
    consent: Annotated[Consent, Resolve(consent)],
    confirm: Annotated[
        bool, Field(description="True once the person has said that they want it.")
    ] = False,
) -> Deleted:
    """Forget everything that is remembered about this person.

    Call it only when they ask for exactly that. Where they can be asked, they are; else it needs
    `confirm: true`, and without it says how many memories would be forgotten.
    """
    confirmed = consent.forget_everything
    asked = ctx.request_context
    return await perform(
        asked, lambda caller: delete_all(caller, confirmed=confirmed), scope=Scope.WRITE
    )


def _can_ask(ctx: Context) -> bool:
    # Only a client that can be asked declares it in a way that reaches here: before 2026-07-28
    # that takes a session, and over HTTP there is none.
    elicitation = ctx.client_capabilities and ctx.client_capabilities.elicitation
    return bool(elicitation and (elicitation.form is not None or elicitation.url is None))
