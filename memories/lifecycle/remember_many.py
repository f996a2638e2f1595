"""Store many memories at once, as if one after another."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from django.db.models.functions import Lower

from accounts.models import ApiKey, User
from apps_registry.models import AccessRule, App
from configuration import effective
from core.errors import OpenMemoryError
from core.locks import Lock, lock_transaction
from core.transactions import change
from jobs.models import Job
from memories.change_log.run_name import name_run
from memories.models import Categorization, Category, Memory, Terms
from memories.models.fingerprint import fingerprint
from memories.models.memory import MemoryQuerySet
from memories.models.terms import TERMS
from memories.vectors.embed import EmbeddedTexts, embed_texts

from .attribution import leading_name
from .guidance import Guidance
from .inference_jobs import INFER, enqueue_for_many
from .kept_categories import NotKept
from .remember import (
    Event,
    NewMemory,
    StoredMemory,
    as_user_wants,
    build_memory,
    categorize_texts,
    find_duplicate,
    insert_memories,
    lock_key_of,
    may_change,
)
from .supersede import lock_superseded, supersede
from .turns import recognize_speaker

# The agent and the conversation.
Scope = tuple[str, str]
# An app, the fingerprint of a text, and the terms, or the scope in which there is one.
Text = tuple[uuid.UUID, bytes, Terms | Scope]


def remember_many(
    news: Sequence[tuple[NewMemory, App]],
    *,
    user: User,
    by: User,
    key: ApiKey | None = None,
    note: Callable[[Sequence[StoredMemory]], None] | None = None,
    run: uuid.UUID | None = None,
) -> list[StoredMemory]:
    """Store these memories, each by its app, all or none of them.

    Each gets the event that it would get if it were stored alone, after those before it. Of a
    duplicate, only the id is known. What became of all is told to `note`, in the transaction in
    which they are stored. The log names `run`, so that all of it can be taken back at once. Raises
    as `remember` does.
    """
    if not news:
        return []
    news = [(as_user_wants(new, user=user), app) for new, app in news]
    memories = [build_memory(new, user=user, app=app) for new, app in news]
    embedded = embed_texts([new.text for new, _ in news])
    names = categorize_texts(embedded, [new for new, _ in news], user=user)
    batch = _Batch(user, by, key, memories, embedded, names)
    with change():
        if run is not None:
            name_run(run)
        # Others of this user wait who store a text, of which there must not be two.
        lock_transaction(Lock.USER_TEXTS, lock_key_of(user))
        # At once and in the order of ids, against deadlocks.
        superseded = {pk for new, _ in news for pk in new.supersedes}
        list(Memory.objects.owned_by(user).filter(pk__in=superseded).locked().values_list("pk"))
        batch.find_known()
        for index, (new, _) in enumerate(news):
            batch.add(index, new)
        batch.flush()
        jobs = batch.enqueue_jobs()
        stored = [
            StoredMemory(memory, event, jobs.get(memory.pk) if event == Event.ADD else None)
            for memory, event in zip(batch.memories, batch.events, strict=True)
        ]
        if note is not None:
            note(stored)
    return stored


def remember_kept(
    news: Sequence[tuple[NewMemory, App]], *, user: User, **more: Any
) -> list[StoredMemory]:
    """Store those of these memories whose categories the user keeps, as `remember_many` does."""
    try:
        return remember_many(news, user=user, **more)
    except NotKept as error:
        kept = [each for index, each in enumerate(news) if index not in error.indexes]
        return remember_many(kept, user=user, **more)


@dataclass
class _Batch:
    """The memories of a batch: some are inserted, some are pending, others are yet to come."""

    user: User
    by: User
    key: ApiKey | None
    memories: list[Memory]
    embedded: EmbeddedTexts
    category_names: list[list[str]]
    events: list[Event] = field(default_factory=list)
    pending: list[int] = field(default_factory=list)
    inferred: dict[Memory, Guidance] = field(default_factory=dict)
    speakers: set[tuple[uuid.UUID, str]] = field(default_factory=set)
    restricted: set[uuid.UUID] = field(default_factory=set)
    # The active memories with each text, and their actors.
    known: dict[Text, list[tuple[uuid.UUID, str]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def find_known(self) -> None:
        apps = {memory.app for memory in self.memories}
        rules = AccessRule.objects.filter(app__in=apps)
        self.restricted = set(rules.values_list("app", flat=True))
        for memory in self.memories:
            memory.fingerprint = fingerprint(memory.content)
        active = Memory.objects.owned_by(self.user).active().unexpired().filter(own_key="")
        same = active.filter(
            app__in=[app for app in apps if app.pk not in self.restricted],
            fingerprint__in={memory.fingerprint for memory in self.memories},
        )
        scope = ("agent_id", "conversation")
        rows = same.values_list("app", "fingerprint", "pk", Lower("actor"), *scope, *TERMS)
        for app, digest, pk, actor, agent, conversation, *terms in rows:
            self.known[app, bytes(digest), Terms(*terms)].append((pk, actor))
            self.known[app, bytes(digest), (agent, conversation)].append((pk, actor))

    def add(self, index: int, new: NewMemory) -> None:
        memory = self.memories[index]
        if new.speaker is None and not (memory.actor or new.as_given):
            memory.actor = self._recognize_speaker(memory)
        superseded = self._lock_superseded(index, new) if new.supersedes else None
        self._forget(new.supersedes)
        is_once = new.infer or new.once_in_scope
        duplicate = self._find_duplicate(memory, new) if is_once else None
        if duplicate is None:
            self._add_new(index, new)
        else:
            self.memories[index] = Memory(pk=duplicate)
            self.events.append(Event.DUPLICATE)
        if superseded is not None:
            self.flush()
            newer = memory if duplicate is None else Memory.objects.get(pk=duplicate)
            supersede(superseded, newer=newer, by=self.by, key=self.key)

    def _lock_superseded(self, index: int, new: NewMemory) -> MemoryQuerySet:
        """Says which of the memories cannot supersede what it names, since that has changed."""
        try:
            return lock_superseded(new.supersedes, newer=self.memories[index])
        except OpenMemoryError as error:
            error.members = {**error.members, "index": index}
            raise

    def _add_new(self, index: int, new: NewMemory) -> None:
        memory = self.memories[index]
        self.events.append(Event.ADD)
        self.pending.append(index)
        if not memory.is_expired:
            for scope in (memory.terms, (memory.agent_id, memory.conversation)):
                text = (memory.app_id, bytes(memory.fingerprint), scope)
                self.known[text].append((memory.pk, memory.actor.lower()))
        if new.infer and may_change(memory):
            self.inferred[memory] = new.guidance

    def _forget(self, superseded: Collection[uuid.UUID]) -> None:
        """What is superseded is no longer active."""
        for known in self.known.values() if superseded else ():
            known[:] = [each for each in known if each[0] not in superseded]

    def flush(self) -> None:
        """Insert what is pending."""
        if not self.pending:
            return
        memories = [self.memories[index] for index in self.pending]
        embedded = self.embedded.take(self.pending)
        insert_memories(memories, embedded, by=self.by, key=self.key)
        names = [self.category_names[index] for index in self.pending]
        distinct = [*dict.fromkeys(chain.from_iterable(names))]
        categories = Category.objects.get_or_create_by_name(distinct)
        pairs = [
            (memory.pk, category.pk)
            for memory, own in zip(memories, names, strict=True)
            for category in dict.fromkeys(categories[name] for name in own)
        ]
        Categorization.objects.insert_many(pairs, user_id=self.user.pk)
        self.pending.clear()

    def enqueue_jobs(self) -> dict[uuid.UUID, Job]:
        """Enqueue the jobs that turn memories into facts, if there is a model: by memory."""
        if effective.current_settings().llm.is_local:
            return {}
        jobs = enqueue_for_many(self.inferred, INFER)
        return {memory.pk: job for memory, job in zip(self.inferred, jobs, strict=True)}

    def _recognize_speaker(self, memory: Memory) -> str:
        name = leading_name(memory.content)
        if not name or (memory.app_id, name) in self.speakers:
            return name
        self.flush()  # it takes turns with those before it
        speaker = recognize_speaker(memory)
        if speaker:
            self.speakers.add((memory.app_id, speaker))
        return speaker

    def _find_duplicate(self, memory: Memory, new: NewMemory) -> uuid.UUID | None:
        if memory.app_id in self.restricted:
            self.flush()  # the rules of the app decide which it may read
            duplicate = find_duplicate(memory, new)
            return None if duplicate is None else duplicate.pk
        actors = ("", memory.actor.lower())
        scope = (memory.agent_id, memory.conversation) if new.once_in_scope else memory.terms
        known = self.known[memory.app_id, bytes(memory.fingerprint), scope]
        takes_any = not memory.actor or new.once_in_scope
        same = [pk for pk, actor in known if takes_any or actor in actors]
        return min(same, default=None)
