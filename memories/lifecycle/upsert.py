"""Store a memory by a key of one's own, or replace the one that has it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace

from accounts.models import ApiKey, User
from apps_registry.models import App
from core.errors import Conflict
from core.locks import Lock, lock_transaction
from core.transactions import change
from memories.models import Category, Memory, MemoryDeleted, Terms
from memories.models.memory import MemoryNotFound, MemoryQuerySet
from memories.own_keys import Address
from memories.vectors.embed import embed_texts

from .attribution import find_actor, find_conversation
from .guidance import Guidance
from .inference_jobs import CATEGORIZE, enqueue_for
from .kept_categories import require_kept
from .remember import Event, NewMemory, StoredMemory, build_memory, insert_memory
from .revise import (
    Edit,
    calls_model,
    categories_after_edit,
    count_categories,
    require_few_categories,
    revise,
)

# Raises an error unless the memory, or that there is none, is as the caller expects it.
Expectation = Callable[[Memory | None], None]


class OwnKeyTaken(Conflict):
    """This key is taken by a memory that this app may not read."""

    code = "own_key_taken"


def upsert(
    address: Address,
    content: Edit,
    *,
    app: App,
    among: MemoryQuerySet,
    user: User,
    by: User,
    key: ApiKey,
    expectation: Expectation,
) -> StoredMemory:
    """Make the memory with this key of its user what `content` says, all of it.

    A new one is stored by `app`. One that is there stays its app's, becomes active again if it was
    archived, and keeps what it was in its history. A deleted or expired one gives its key away. No
    facts are extracted: what is stored by a key is found by it as it was stored.

    Raises OwnKeyTaken when another memory than those in `among` has the key, NotKept, and what
    `revise` raises. The expectation holds when the change is made, or its error is raised.
    """
    content = _attribute(content)
    while True:
        holder = find_holder(address, user=user)
        if holder is None:
            stored = _store(
                address, content, app=app, user=user, by=by, key=key, expectation=expectation
            )
            if stored is not None:
                return stored
        elif not among.filter(pk=holder).exists():
            raise OwnKeyTaken
        else:
            try:
                memory = revise(
                    holder,
                    content,
                    among=among,
                    by=by,
                    precondition=expectation,
                    reactivates=True,
                )
            except (MemoryNotFound, MemoryDeleted):
                continue  # it has been deleted meanwhile
            return StoredMemory(memory, Event.UPDATE)


def find_holder(address: Address, *, user: User) -> uuid.UUID | None:
    """Find the memory with a key, unless it was deleted or has expired."""
    held = Memory.objects.owned_by(user).at_address(address).undeleted().unexpired()
    return held.values_list("pk", flat=True).first()


def _attribute(content: Edit) -> Edit:
    """Attribute a whole memory as a new one, whatever it was before."""
    text, metadata = content.text or "", dict(content.metadata or {})
    return replace(
        content,
        actor=find_actor(text, metadata, explicit=content.actor, speaker=None),
        conversation=find_conversation(metadata, explicit=content.conversation),
    )


def _store(
    address: Address,
    content: Edit,
    *,
    app: App,
    user: User,
    by: User,
    key: ApiKey,
    expectation: Expectation,
) -> StoredMemory | None:
    """Store a new memory. None if another one has got the key meanwhile."""
    memory = _build(address, content, user=user, app=app)
    embedded = embed_texts([memory.content])
    is_given = content.categories is not None
    assigned = categories_after_edit(content, embedded.category_names()[0], user=user)
    names = content.categories if is_given else assigned
    require_kept(names or [], user=user)
    with change():
        lock_transaction(Lock.OWN_KEY, address.lock_key(user.pk.int))
        if find_holder(address, user=user) is not None:
            return None
        expectation(None)
        Memory.objects.owned_by(user).at_address(address).update(namespace="", own_key="")
        count = count_categories(user) if is_given else 0
        categories = Category.objects.get_or_create_many(names or [])
        insert_memory(memory, embedded, categories=categories, by=by, key=key)
        if is_given:
            require_few_categories(user, before=count)
        elif calls_model(user):
            enqueue_for(memory, CATEGORIZE, Guidance())
    return StoredMemory(memory, Event.ADD)


def _build(address: Address, content: Edit, *, user: User, app: App) -> Memory:
    new = NewMemory(
        content.text or "",
        metadata=dict(content.metadata or {}),
        actor=content.actor,
        conversation=content.conversation,
        learned_at=content.said_at,
        terms=Terms(**content.terms),
    )
    memory = build_memory(new, user=user, app=app)
    memory.namespace, memory.own_key = address.namespace, address.own_key
    memory.categories_given = content.categories is not None
    return memory
