"""Put down a memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from apps_registry.models import App
from configuration import effective
from jobs.enqueue import queue
from jobs.models import Job
from memories.inference import INFER
from memories.models import Category, Memory, State, StateChange
from memories.models.memory import fingerprint
from memories.search.search_vector import search_vector
from memories.vectors import embed
from memories.vectors.embed import Embedded

from . import attribution


class Event(StrEnum):
    ADD = "ADD"
    DUPLICATE = "DUPLICATE"


@dataclass(frozen=True)
class Remembered:
    memory: Memory
    event: Event
    job: Job | None = None  # that goes on with it


def remember(
    text: str,
    *,
    user: User,
    app: App,
    by: User,
    infer: bool = True,
    metadata: dict[str, Any] | None = None,
    actor: str | None = None,
    speaker: str | None = None,
    conversation: str | None = None,
    learned_at: datetime | None = None,
) -> Remembered:
    """Store a text as a memory that can be found when this returns.

    With `infer` it is given categories, and a text that the app has put down before is not
    stored again: what comes back then is the memory that is there. Where a language model is
    configured, a job turns the text into facts. Who said it is `actor`, else whom `attributing`
    makes out; `speaker` is the only one who speaks in the chat that it comes from, if it does.
    """
    about = metadata or {}
    created_at = learned_at or timezone.now()
    embedded = embed.embed([text])
    [names] = embedded.themes() if infer else [[]]
    memory = Memory(
        user=user,
        app=app,
        content=text,
        metadata=about,
        actor=attribution.actor_of(text, about, named=actor, speaker=speaker),
        conversation=attribution.conversation_of(about, named=conversation),
        created_at=created_at,
    )
    job = None
    with transaction.atomic():
        if infer:
            known = _known(memory)
            if known is not None:
                return Remembered(known, Event.DUPLICATE)
        store(memory, embedded, categories=Category.objects.named(names), by=by)
        if infer and not effective.current().llm.is_local:
            job = queue_for(memory, INFER)
    return Remembered(memory, Event.ADD, job)


def _known(memory: Memory) -> Memory | None:
    """Find the memory that already says this, if any."""
    digest = fingerprint(memory.content)
    with connection.cursor() as cursor:
        # Two requests with the same text at once would both find nothing and both store it.
        lock = int.from_bytes(digest[:8], "big", signed=True) ^ (memory.user.pk.int >> 65)
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [lock])
    same = Memory.objects.owned_by(memory.user).filter(app=memory.app).same_as(memory.content)
    if memory.actor:
        # What Ana likes is not known because Bo has said the same of himself.
        same = same.said_by([memory.actor, ""])
    pk = same.values_list("pk", flat=True).first()
    return None if pk is None else Memory.objects.with_relations().get(pk=pk)


def store(memory: Memory, embedded: Embedded, *, categories: Sequence[Category], by: User) -> None:
    """Put a new memory into the tables, in the caller's transaction."""
    memory.fingerprint = fingerprint(memory.content)
    memory.words = search_vector(memory.content, memory.created_at)
    # In bulk, though it is one of each: Django then neither reads rows back nor sends signals.
    Memory.objects.bulk_create([memory])
    StateChange.objects.bulk_create(
        [StateChange(memory=memory, new_state=State.ACTIVE, changed_by=by)]
    )
    memory.put_in(categories)
    embed.put([memory], embedded)


def queue_for(memory: Memory, kind: str) -> Job:
    """Queue what the language model is to do with a memory, in the caller's transaction."""
    pk = str(memory.pk)
    return queue(
        kind,
        owner=memory.user,
        parameters={"memory_id": pk},
        once=pk,
        app_name=memory.app.name,
    )
