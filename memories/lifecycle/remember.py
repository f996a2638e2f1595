"""Store a memory."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.utils import timezone

from accounts.models import ApiKey, User
from apps_registry.models import App
from configuration import effective
from core import sql
from core.locks import Lock, lock_one_of_many
from core.transactions import change
from jobs.models import Job
from memories.models import Category, Memory, State, StateChange, Terms
from memories.models.fingerprint import fingerprint
from memories.search.search_vector import search_vector
from memories.vectors.embed import EmbeddedTexts, embed_texts, store_vectors

from .attribution import find_actor, find_conversation
from .guidance import Guidance
from .inference_jobs import INFER, enqueue_for
from .kept_categories import require_all_kept
from .supersede import lock_superseded, supersede
from .turns import recognize_speaker


@dataclass(frozen=True)
class NewMemory:
    """A text to store, within the limits of `memories.limits`.

    With `infer` it gets categories; it is not stored beside an exact duplicate of the same app that
    is active and that the app may read; and where a language model is configured, a job turns it
    into facts. `speaker` is the only speaker of the conversation that the text was made from: empty
    where it has several, and None where there was no conversation. `actor` and `conversation`
    default to what `attribution` and `turns` find.

    With `categorizes` it gets categories without `infer`, too.

    With `once_in_scope`, and with or without `infer`, it is a duplicate of the same text of one
    app, agent and conversation, whatever its terms and actor.

    What is brought from another server keeps its `pk`, `updated_at` and `state_changed_at`, and
    with `as_given` its actor and conversation, even if these are empty.

    It takes the place of the memories that it `supersedes`. An immutable text, and one that has
    expired, is not turned into facts. A duplicate has the same terms. `guidance` is for the
    language model.
    """

    text: str
    infer: bool = True
    categorizes: bool = False
    metadata: dict[str, Any] = field(default_factory=dict)
    actor: str | None = None
    speaker: str | None = None
    conversation: str | None = None
    agent_id: str = ""
    once_in_scope: bool = False
    learned_at: datetime | None = None
    pk: uuid.UUID | None = None
    updated_at: datetime | None = None
    state_changed_at: datetime | None = None
    as_given: bool = False
    terms: Terms = field(default_factory=Terms)
    supersedes: Collection[uuid.UUID] = ()
    guidance: Guidance = field(default_factory=Guidance)


HAS_TEXT = "SELECT id FROM memories_memory WHERE user_id = %s AND fingerprint = %s LIMIT 1"


class Event(StrEnum):
    ADD = "ADD"
    DUPLICATE = "DUPLICATE"
    UPDATE = "UPDATE"


@dataclass(frozen=True)
class StoredMemory:
    memory: Memory
    event: Event
    job: Job | None = None  # that turns it into facts


def remember(
    new: NewMemory, *, user: User, app: App, by: User, key: ApiKey | None = None
) -> StoredMemory:
    """Store a memory, or return the existing one that it duplicates.

    It can be found as soon as this returns. Its history names `key`, that of the request.

    Raises NotKept, and MemoryNotFound, MemoryDeleted and MemoryImmutable for memories that it
    supersedes.
    """
    new = as_user_wants(new, user=user)
    memory = build_memory(new, user=user, app=app)
    embedded = embed_texts([new.text])
    [category_names] = categorize_texts(embedded, [new], user=user)
    job = None
    with change():
        if new.speaker is None and not (memory.actor or new.as_given):
            memory.actor = recognize_speaker(memory)
        superseded = lock_superseded(new.supersedes, newer=memory) if new.supersedes else None
        duplicate = find_duplicate(memory, new) if new.infer or new.once_in_scope else None
        if duplicate is None:
            categories = Category.objects.get_or_create_many(category_names)
            insert_memory(memory, embedded, categories=categories, by=by, key=key)
            if new.infer and may_change(memory) and not effective.current_settings().llm.is_local:
                job = enqueue_for(memory, INFER, new.guidance)
        if superseded is not None:
            supersede(superseded, newer=duplicate or memory, by=by, key=key)
    if duplicate is not None:
        return StoredMemory(duplicate, Event.DUPLICATE)
    return StoredMemory(memory, Event.ADD, job)


def as_user_wants(new: NewMemory, *, user: User) -> NewMemory:
    """Without inference, where the user has switched that off."""
    return new if user.infer else replace(new, infer=False, categorizes=False)


def categorize_texts(
    embedded: EmbeddedTexts, news: Sequence[NewMemory], *, user: User
) -> list[list[str]]:
    """Find the categories of texts to store, none of what is stored as it is. Raises NotKept."""
    wanted = [new.infer or new.categorizes for new in news]
    if not user.categories_not_kept and not any(wanted):
        return [[] for _ in news]
    names = embedded.category_names()
    require_all_kept(names, user=user)
    return [own if is_wanted else [] for own, is_wanted in zip(names, wanted, strict=True)]


def build_memory(new: NewMemory, *, user: User, app: App) -> Memory:
    """Build the memory to store. It is of this moment, however long the model takes."""
    if new.as_given:
        actor, conversation = new.actor or "", new.conversation or ""
    else:
        actor = find_actor(new.text, new.metadata, explicit=new.actor, speaker=new.speaker)
        conversation = find_conversation(new.metadata, explicit=new.conversation)
    return Memory(
        user=user,
        app=app,
        content=new.text,
        metadata=new.metadata,
        actor=actor,
        conversation=conversation,
        agent_id=new.agent_id,
        created_at=new.learned_at or timezone.now(),
        **_identity_of(new),
        **asdict(new.terms),
    )


def _identity_of(new: NewMemory) -> dict[str, Any]:
    given = {name: getattr(new, name) for name in ("pk", "updated_at", "state_changed_at")}
    return {name: value for name, value in given.items() if value is not None}


def may_change(memory: Memory) -> bool:
    """Whether a language model, if there is one, may turn a new memory into facts."""
    return not memory.immutable and not memory.is_expired


def insert_memory(
    memory: Memory,
    embedded: EmbeddedTexts,
    *,
    categories: Sequence[Category],
    by: User,
    key: ApiKey | None = None,
) -> None:
    """Insert a new memory with its history, categories and vectors, in the caller's transaction."""
    insert_memories([memory], embedded, by=by, key=key)
    memory.add_categories(categories)


def insert_memories(
    memories: Sequence[Memory], embedded: EmbeddedTexts, *, by: User, key: ApiKey | None
) -> None:
    """Insert new memories of one user, without categories, in the caller's transaction."""
    for memory in memories:
        memory.fingerprint = fingerprint(memory.content)
        memory.words = search_vector(memory.content, memory.created_at)
    # In bulk, also where it is one of each: Django neither reads rows back nor sends signals then.
    Memory.objects.bulk_create(memories)
    stored_key = key and key.stored()
    StateChange.objects.bulk_create(
        [
            StateChange(
                memory=memory,
                new_state=State.ACTIVE,
                changed_by=by,
                key=stored_key,
                app=memory.app,
            )
            for memory in memories
        ]
    )
    store_vectors(memories, embedded)


def find_duplicate(memory: Memory, new: NewMemory) -> Memory | None:
    """Find an active memory of the same app with the same text and terms, if the app may read one.

    Or of the same scope, if it is to be there once. Not one that is to be superseded.
    """
    digest = fingerprint(memory.content)
    # Two requests with the same text at once would both find nothing and both store it.
    user_key = lock_key_of(memory.user)
    text_of_user = int.from_bytes(digest[:8], "big") ^ user_key
    lock_one_of_many(Lock.USER_TEXTS, user_key, Lock.SAME_TEXT, text_of_user)
    if sql.fetch_one(HAS_TEXT, [memory.user.pk, digest]) is None:
        return None  # as nearly always
    readable = Memory.objects.owned_by(memory.user).readable_by(memory.app).unexpired()
    duplicates = readable.filter(app=memory.app).same_as(memory.content)
    duplicates = duplicates.exclude(pk__in=new.supersedes)
    if new.once_in_scope:
        duplicates = duplicates.filter(agent_id=new.agent_id, conversation=memory.conversation)
    else:
        duplicates = duplicates.filter(**asdict(memory.terms))
    if memory.actor and not new.once_in_scope:
        # That Ana likes tea is still unknown when Bo has said the same of himself.
        duplicates = duplicates.said_by([memory.actor, ""])
    pk = duplicates.values_list("pk", flat=True).first()
    # Not one that was paused or deleted a moment ago.
    return None if pk is None else duplicates.with_relations().filter(pk=pk).first()


def lock_key_of(user: User) -> int:
    """The key of locks about a user."""
    return user.pk.int >> 65
