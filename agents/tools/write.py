"""Tools that change memories."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field

from agents.schemas import (
    DeletedCount,
    StateChanged,
    WrittenMemory,
    render_written,
)
from agents.tool_call import Caller
from core.errors import Malformed
from memories.lifecycle.remember import Event, StoredMemory, remember
from memories.lifecycle.revise import revise
from memories.lifecycle.states import change_state_of, delete
from memories.limits import MAX_FILTER_VALUES, MAX_MESSAGES, MAX_NAME
from memories.models import State
from memories.models.memory import MemoryQuerySet
from memories.own_keys import Address
from memories.serializers import (
    NewMemorySerializer,
    PatchSerializer,
    build_edit,
    build_new_memory,
)

from .arguments import (
    ExpiresAt,
    Immutable,
    MemoryId,
    Message,
    ValidFrom,
    ValidUntil,
    validate,
)
from .if_match import IfMatch, read_if_match
from .store_by_key import OwnKey, OwnNamespace, parse_address, store_by_key

# What removes a time: null counts as left out.
NO_TIME = "none"
TIMES = ("expires_at", "valid_from", "valid_until")


def add_memory(
    caller: Caller,
    text: Annotated[
        str | None, Field(description="The text to store, in full sentences, up to 32 KiB.")
    ] = None,
    messages: Annotated[
        list[Message] | None,
        Field(
            max_length=MAX_MESSAGES,
            description="The messages of a conversation, to store instead of `text`.",
        ),
    ] = None,
    infer: Annotated[
        bool, Field(description="False stores the text unchanged, without processing.")
    ] = True,
    metadata: Annotated[
        dict[str, Any] | None, Field(description="Any data to store with it, up to 16 KiB.")
    ] = None,
    actor: Annotated[
        str | None, Field(max_length=MAX_NAME, description="The speaker's name, if known.")
    ] = None,
    conversation: Annotated[
        str | None,
        Field(
            max_length=MAX_NAME,
            description="Your name for the conversation, the same for all of its memories. "
            "Searches can then return the neighbours of a memory.",
        ),
    ] = None,
    expires_at: ExpiresAt = None,
    valid_from: ValidFrom = None,
    valid_until: ValidUntil = None,
    supersedes: Annotated[
        list[uuid.UUID] | None,
        Field(
            max_length=MAX_FILTER_VALUES,
            description="The ids of memories that are no longer true because of this one. They "
            "are archived.",
        ),
    ] = None,
    immutable: Immutable = None,
    namespace: OwnNamespace = None,
    key: OwnKey = None,
) -> WrittenMemory:
    """Store something about the user for later conversations.

    Call it whenever the user tells you something that will still matter another day: a preference,
    a fact about themselves or the people around them, a plan, a decision, or when they ask you to
    remember something. Store one fact per call, worded so that it is clear without this
    conversation. The tool returns at once, and searches find the memory from then on. Storing the
    same text again does no harm. Do not store passwords or other secrets. With `namespace` and
    `key`, it takes the place of the memory that you stored by this key before, as it is.
    """
    stored = store(
        caller,
        text=text,
        messages=None if messages is None else [message.model_dump() for message in messages],
        infer=infer,
        metadata=metadata,
        actor=actor,
        conversation=conversation,
        expires_at=expires_at,
        valid_from=valid_from,
        valid_until=valid_until,
        supersedes=None if supersedes is None else [str(pk) for pk in supersedes],
        immutable=immutable,
        address=parse_address(namespace, key),
    )
    return render_written(stored.memory, stored.event, key=caller.key, job=stored.job)


def store(caller: Caller, *, address: Address | None = None, **fields: Any) -> StoredMemory:
    """Store a memory, validated by the rules of the API."""
    if address is not None:
        return store_by_key(caller, address, **fields)
    new = build_new_memory(validate(NewMemorySerializer, fields))
    app = caller.remembering_app
    return remember(new, user=caller.user, app=app, by=caller.by, key=caller.key)


def update_memory(
    caller: Caller,
    memory_id: MemoryId,
    text: Annotated[str | None, Field(description="The new text, up to 32 KiB.")] = None,
    metadata: Annotated[
        dict[str, Any] | None,
        Field(description="Data to merge into what is stored with it. Null removes a key."),
    ] = None,
    categories: Annotated[
        list[str] | None,
        Field(max_length=MAX_FILTER_VALUES, description="All its categories from now on (names)."),
    ] = None,
    actor: Annotated[
        str | None, Field(max_length=MAX_NAME, description="The speaker's name.")
    ] = None,
    conversation: Annotated[
        str | None, Field(max_length=MAX_NAME, description="Your name for the conversation.")
    ] = None,
    timestamp: Annotated[
        str | int | None,
        Field(description="When it was said, such as 2024-01-31T10:30:00Z."),
    ] = None,
    expires_at: ExpiresAt = None,
    valid_from: ValidFrom = None,
    valid_until: ValidUntil = None,
    immutable: Immutable = None,
    if_match: IfMatch = None,
) -> WrittenMemory:
    """Change the text of a memory, or what is stored with it.

    Call it when a memory is outdated or was wrong. What you leave out stays as it is; `none`
    removes `expires_at`, `valid_from` or `valid_until`. Its history keeps what it was before. What
    is immutable can only be edited once the user permits it.
    """
    fields = {
        "text": text,
        "metadata": metadata,
        "categories": categories,
        "actor": actor,
        "conversation": conversation,
        "timestamp": timestamp,
        "expires_at": expires_at,
        "valid_from": valid_from,
        "valid_until": valid_until,
        "immutable": immutable,
    }
    if all(value is None for value in fields.values()):
        raise Malformed("Say what to change: send `text` or another field.", field="text")
    removed = [name for name in TIMES if fields[name] == NO_TIME]
    edit = build_edit(validate(PatchSerializer, fields | dict.fromkeys(removed)))
    edit = replace(edit, terms={**edit.terms, **dict.fromkeys(removed)})
    precondition = read_if_match(if_match)
    memory = revise(
        memory_id, edit, among=caller.memories(), by=caller.by, precondition=precondition
    )
    return render_written(memory, Event.UPDATE, key=caller.key)


def delete_memory(caller: Caller, memory_id: MemoryId, if_match: IfMatch = None) -> DeletedCount:
    """Delete one memory.

    Call it only when the user asks for it. If something has merely changed, use update_memory,
    which keeps the previous text. Deleting a memory twice is not an error.
    """
    precondition = read_if_match(if_match)
    deleted = delete(memory_id, among=caller.memories(), by=caller.by, precondition=precondition)
    return DeletedCount(deleted=deleted)


def pause_memories(
    caller: Caller,
    memory_ids: Annotated[
        list[uuid.UUID], Field(min_length=1, max_length=100, description="The memories' ids.")
    ],
    state: Annotated[
        Literal["paused", "active"], Field(description="`active` resumes paused memories.")
    ] = "paused",
) -> StateChanged:
    """Pause memories, so that searches and lists leave them out, or resume them.

    Call it when the user wants memories ignored for a while without deleting them. The call is
    atomic: it changes all of them or none.
    """
    target = State(state)
    changed = change_state_of(set(memory_ids), target, among=caller.memories(), by=caller.by)
    return StateChanged(changed=changed, state=target)


def delete_all(caller: Caller, *, confirmed: bool) -> DeletedCount:
    """Delete all memories that the caller may read."""
    if not confirmed:
        raise Malformed(
            f"This would delete {undeleted_memories(caller).count()} memories. Ask the user to "
            "confirm it, and only then call the tool again with `confirm: true`."
        )
    return DeletedCount(
        deleted=undeleted_memories(caller).change_state(State.DELETED, by=caller.by)
    )


def undeleted_memories(caller: Caller) -> MemoryQuerySet:
    return caller.memories().undeleted()
