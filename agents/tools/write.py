"""Tools that change what is remembered."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Literal

from pydantic import Field

from agents.schemas import AddedMemory, Deleted, Paused, ShownMemory, added, shown
from agents.tool_call import Caller
from core.errors import Malformed
from memories.lifecycle.remember import StoredMemory, remember
from memories.lifecycle.revise import revise
from memories.lifecycle.states import change_state_of
from memories.limits import MAX_MESSAGES, MAX_NAME
from memories.models import State
from memories.models.memory import MemoryQuerySet
from memories.serializers import NewMemorySerializer, build_new_memory

from .arguments import MemoryId, Message, checked_text, read


def add_memory(
    caller: Caller,
    text: Annotated[
        str | None, Field(description="What to remember, in full sentences, up to 32 KiB.")
    ] = None,
    messages: Annotated[
        list[Message] | None,
        Field(
            max_length=MAX_MESSAGES,
            description="A conversation to remember in place of `text`, as it was held.",
        ),
    ] = None,
    infer: Annotated[
        bool, Field(description="False keeps the text exactly as it is, and does nothing else.")
    ] = True,
    metadata: Annotated[
        dict[str, Any] | None, Field(description="Anything to keep beside it, up to 16 KiB.")
    ] = None,
    actor: Annotated[
        str | None, Field(max_length=MAX_NAME, description="Who said it, by name, if you know.")
    ] = None,
    conversation: Annotated[
        str | None,
        Field(
            max_length=MAX_NAME,
            description="A name of yours for the conversation that it was said in: the same for "
            "all of it. What was said around a memory is then found with it.",
        ),
    ] = None,
) -> AddedMemory:
    """Remember something about this person for later conversations.

    Call it whenever they tell you something that will still matter another day: a preference, a
    fact about themselves or the people around them, a plan, a decision, or when they ask you to
    remember something. One fact to a call, worded so that it can be understood without this
    conversation. It answers at once, and the memory can be found from then on. Telling it again
    does no harm. Do not put down passwords or other secrets.
    """
    stored = store(
        caller,
        text=text,
        messages=None if messages is None else [message.model_dump() for message in messages],
        infer=infer,
        metadata=metadata,
        actor=actor,
        conversation=conversation,
    )
    return added(stored)


def store(caller: Caller, **fields: Any) -> StoredMemory:
    """Store a memory, validated by the rules of the API."""
    new = build_new_memory(read(NewMemorySerializer, fields))
    return remember(new, user=caller.user, app=caller.remembering_app, by=caller.by)


def update_memory(
    caller: Caller,
    memory_id: MemoryId,
    text: Annotated[str, Field(description="What it says from now on, up to 32 KiB.")],
) -> ShownMemory:
    """Change what a memory says.

    Call it when something that is remembered is no longer true or was wrong. What it said before
    stays in its history.
    """
    memory = revise(memory_id, checked_text(text), among=caller.memories(), by=caller.by)
    return shown(memory)


def delete_memory(caller: Caller, memory_id: MemoryId) -> Deleted:
    """Forget one memory.

    Call it only when the person asks for it. When something merely changed, update_memory keeps
    what was said before. Forgetting a memory twice is no error.
    """
    memory = caller.memories().one(memory_id)
    forgotten = caller.memories().filter(pk=memory.pk)
    return Deleted(deleted=forgotten.change_state(State.DELETED, by=caller.by))


def pause_memories(
    caller: Caller,
    memory_ids: Annotated[
        list[uuid.UUID], Field(min_length=1, max_length=100, description="The ids of memories.")
    ],
    state: Annotated[
        Literal["paused", "active"], Field(description="`active` takes a pause back.")
    ] = "paused",
) -> Paused:
    """Take memories out of every search and list for a while, or bring them back.

    Call it when the person wants something left aside without forgetting it. All of them or none.
    """
    wanted = State(state)
    changed = change_state_of(set(memory_ids), wanted, among=caller.memories(), by=caller.by)
    return Paused(changed=changed, state=wanted)


def delete_all(caller: Caller, *, confirmed: bool) -> Deleted:
    """Forget everything that the caller can reach."""
    if not confirmed:
        raise Malformed(
            f"This would forget {undeleted(caller).count()} memories. Ask the person whether they "
            "want that, and only then call it again with `confirm: true`."
        )
    return Deleted(deleted=undeleted(caller).change_state(State.DELETED, by=caller.by))


def undeleted(caller: Caller) -> MemoryQuerySet:
    return caller.memories().undeleted()
