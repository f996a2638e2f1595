"""Edit the content of a memory."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from configuration import effective
from memories.models import Category, Memory, MemoryDeleted, Revision, State
from memories.models.memory import MemoryQuerySet, fingerprint
from memories.search.search_vector import search_vector
from memories.vectors.embed import EmbeddedTexts, embed_texts, store_vectors

from .attribution import actor_after_edit
from .inference_jobs import CATEGORIZE, enqueue_for
from .turns import is_known_speaker


def revise(pk: uuid.UUID, content: str, *, among: MemoryQuerySet, by: User) -> Memory:
    """Replace the content of a memory, and its embedding and categories with it.

    The previous content stays in the history. Where a language model is configured, a job assigns
    the categories; the text itself stays as the user wrote it.

    Raises MemoryNotFound when the memory is not in `among`, and MemoryDeleted.
    """
    memory = _get_editable(among, pk)
    if memory.content == content:
        return memory
    embedded = embed_texts([content])
    [category_names] = embedded.category_names()
    with transaction.atomic():
        # Locked and read again: it may have been edited or deleted while the model ran.
        memory = _get_editable(among.locked(), pk)
        actor = actor_after_edit(
            memory.actor,
            before=memory.content,
            after=content,
            is_known=lambda name: is_known_speaker(name, user=memory.user, app=memory.app),
        )
        categories = Category.objects.get_or_create_many(category_names)
        rewrite_memory(memory, content, embedded, actor=actor, categories=categories, by=by)
        if not effective.current_settings().llm.is_local:
            enqueue_for(memory, CATEGORIZE)
    return memory


def rewrite_memory(
    memory: Memory,
    content: str,
    embedded: EmbeddedTexts,
    *,
    actor: str,
    categories: Sequence[Category],
    by: User,
) -> None:
    """Replace the content of a memory that the caller has locked, in the caller's transaction."""
    if memory.content != content:
        Revision.objects.create(memory=memory, content=memory.content, edited_by=by)
    memory.content = content
    memory.fingerprint = fingerprint(content)
    memory.words = search_vector(content, memory.created_at)
    memory.actor = actor
    memory.updated_at = timezone.now()
    memory.save(update_fields=["content", "fingerprint", "words", "actor", "updated_at"])
    memory.replace_categories(categories)
    # Even when no new vector is stored now: one of the previous content finds the wrong memory.
    memory.embeddings.all().delete()
    store_vectors([memory], embedded)


def _get_editable(among: MemoryQuerySet, pk: uuid.UUID) -> Memory:
    memory = among.with_relations().one(pk)
    if memory.state == State.DELETED:
        raise MemoryDeleted
    return memory
