"""Change what a memory says."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from configuration import effective
from memories.inference import CATEGORIZE
from memories.models import Category, Memory, MemoryDeleted, Revision, State
from memories.models.memory import MemoryQuerySet, fingerprint
from memories.search.search_vector import search_vector
from memories.vectors import embed
from memories.vectors.embed import Embedded

from . import attribution
from .remember import queue_for


def revise(pk: uuid.UUID, content: str, *, among: MemoryQuerySet, by: User) -> Memory:
    """Give a memory new content, embedded and categorised anew. The old stays in its history.

    Where a language model is configured, a job has it name the categories; the text is the
    person's own.

    Raises MemoryNotFound when it is not among the memories given, and MemoryDeleted.
    """
    memory = _editable(among, pk)
    if memory.content == content:
        return memory
    embedded = embed.embed([content])
    [names] = embedded.themes()
    with transaction.atomic():
        # Locked and read again: it may have been edited or deleted while the model ran.
        memory = _editable(among.select_for_update(of=("self",)), pk)
        actor = attribution.revised(memory.actor, before=memory.content, after=content)
        categories = Category.objects.named(names)
        rewrite(memory, content, embedded, actor=actor, categories=categories, by=by)
        if not effective.current().llm.is_local:
            queue_for(memory, CATEGORIZE)
    return memory


def rewrite(
    memory: Memory,
    content: str,
    embedded: Embedded,
    *,
    actor: str,
    categories: Sequence[Category],
    by: User,
) -> None:
    """Give a memory that the caller has locked another content, in the caller's transaction.

    `actor` is who said it, which another content may change.
    """
    if memory.content != content:
        Revision.objects.create(memory=memory, content=memory.content, edited_by=by)
    memory.content = content
    memory.fingerprint = fingerprint(content)
    memory.words = search_vector(content, memory.created_at)
    memory.actor = actor
    memory.updated_at = timezone.now()
    memory.save(update_fields=["content", "fingerprint", "words", "actor", "updated_at"])
    memory.move_to(categories)
    # Also where it is not embedded now: a vector of what it said before finds the wrong thing.
    memory.embeddings.all().delete()
    embed.put([memory], embedded)


def _editable(among: MemoryQuerySet, pk: uuid.UUID) -> Memory:
    memory = among.with_relations().one(pk)
    if memory.state == State.DELETED:
        raise MemoryDeleted
    return memory
