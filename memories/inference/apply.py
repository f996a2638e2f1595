"""Do what follows from the facts of a memory, in a transaction that the caller opens."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.models import User
from memories.lifecycle.remember import insert_memory
from memories.lifecycle.revise import rewrite_memory
from memories.limits import MAX_NAME
from memories.models import Category, Memory, State
from memories.models.state import LIVE

from .extract import Fact
from .json_schemas import Relation
from .reconcile import Verdict
from .similar_memories import SimilarMemories

# Why a memory was put aside, as its history says it.
SUPERSEDED = "superseded"
KNOWN = "known"

# Any number that nothing else in this database locks; the users each have one beside it.
ADVISORY_LOCK = 7_405_118


class ConcurrentFacts(Exception):
    """There is by now a memory near these facts that they were not compared with."""


class SourceChanged(Exception):
    """Somebody has edited the memory or put it aside since it was sent: what they did holds."""


def require_unchanged(memory: Memory | None) -> Memory:
    """Raises Overtaken, with what became of it, unless the memory is as it was sent."""
    if memory is None:
        raise SourceChanged(State.DELETED)
    if memory.state != State.ACTIVE:
        raise SourceChanged(memory.state)
    if memory.revisions.exists():
        raise SourceChanged("edited")
    return memory


def require_no_concurrent_facts(judged: Sequence[Verdict], *, since: SimilarMemories) -> None:
    """Raises CameBetween when other facts of this user came in since these were compared.

    Until the transaction ends, no others come in. Two messages that say the same at the same
    moment would otherwise both be new.
    """
    with connection.cursor() as cursor:
        user = since.source.user_id.int & 0x7FFFFFFF
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [ADVISORY_LOCK, user])
    now = SimilarMemories.of(since.source, since.space)
    for each in judged:
        compared = {(memory.pk, memory.content) for memory in each.near}
        newcomers = now.newcomers(each.embedded.vectors[now.space][0], since=since)
        if any((memory.pk, memory.content) not in compared for memory in newcomers):
            raise ConcurrentFacts


def apply_verdicts(
    source: Memory,
    judged: Sequence[Verdict],
    *,
    repeated: Sequence[Memory] = (),
    categories: Mapping[str, Category],
) -> dict[str, Any]:
    """Store the facts of a memory and put aside what gives way to them: what became of them.

    The first new fact takes the place of what was sent, which stays in the memory's history. The
    others become memories beside it. When nothing is new, or all of it is `repeated`, what was
    sent is archived for what says it already. Raises Overtaken.
    """
    named = {memory.pk for each in judged for memory in each.memories}
    named |= {memory.pk for memory in repeated}
    found = _lock(named | {source.pk})
    source = require_unchanged(found.get(source.pk))
    effects = Effects(source, by=_who_sent(source), categories=categories)
    effects.known = _standing(repeated, found)
    for each in judged:
        effects.follow(each, _standing(each.memories, found))
    effects.end()
    return effects.result()


def _lock(ids: Collection[UUID]) -> dict[UUID, Memory]:
    """Read memories again that may have changed meanwhile, and hold them as they are."""
    # In the order of ids, as others lock them, so that nobody waits for each other.
    locked = Memory.objects.filter(pk__in=ids).select_for_update(of=("self",)).order_by("pk")
    return {memory.pk: memory for memory in locked.select_related("user", "app")}


def _standing(seen: Iterable[Memory], found: Mapping[UUID, Memory]) -> list[Memory]:
    """Keep the memories that still say what they said, and are still there to say it."""
    now = [(memory, found.get(memory.pk)) for memory in seen]
    return [
        memory
        for before, memory in now
        if memory and memory.state in LIVE and memory.content == before.content
    ]


def _who_sent(memory: Memory) -> User:
    change = memory.state_changes.select_related("changed_by").first()
    return (change and change.changed_by) or memory.user


class Effects:
    """What is done for the facts of one memory, one after the other."""

    def __init__(self, source: Memory, *, by: User, categories: Mapping[str, Category]) -> None:
        self.source = source
        # As they were before the first fact took the place of what was sent.
        self._metadata = dict(source.metadata)
        self._actor = source.actor
        self.by = by
        self.categories = categories
        self.added: list[Memory] = []
        self.known: list[Memory] = []
        self.superseded: dict[UUID, UUID] = {}  # by what

    def follow(self, judged: Verdict, memories: Sequence[Memory]) -> None:
        """Do what follows from one fact, and the memories that know or contradict it."""
        if judged.judgement == Relation.KNOWN and memories:
            self.known += memories[:1]
            return
        memory = self._beside(judged) if self.added else self._in_place(judged)
        self.added.append(memory)
        for other in memories:
            # What was said last holds, whichever of the two was sent last.
            if other.created_at > memory.created_at:
                self._supersede(memory, by=other)
            else:
                self._supersede(other, by=memory)

    def end(self) -> None:
        if self.known and not self.added:
            self._put_aside(self.source, self.known[0], KNOWN)

    def result(self) -> dict[str, Any]:
        return {
            "added": [str(memory.pk) for memory in self.added],
            "known": [str(memory.pk) for memory in self.known],
            "superseded": [
                {"memory_id": str(older), "superseded_by": str(newer)}
                for older, newer in self.superseded.items()
            ],
        }

    def _in_place(self, judged: Verdict) -> Memory:
        memory = self.source
        memory.metadata = {**_about(judged.fact), **self._metadata}
        memory.save(update_fields=["metadata"])
        rewrite_memory(
            memory,
            judged.fact.text,
            judged.embedded,
            actor=self._said_by(judged),
            categories=self._categories(judged),
            by=self.by,
        )
        return memory

    def _beside(self, judged: Verdict) -> Memory:
        about = {**_about(judged.fact), "inferred_from": str(self.source.pk)}
        memory = Memory(
            user=self.source.user,
            app=self.source.app,
            content=judged.fact.text,
            metadata={**about, **self._metadata},
            actor=self._said_by(judged),
            conversation=self.source.conversation,
            created_at=self.source.created_at,
        )
        insert_memory(memory, judged.embedded, categories=self._categories(judged), by=self.by)
        return memory

    def _said_by(self, judged: Verdict) -> str:
        """Who said a fact: as it was known before, else as the language model has made out."""
        return self._actor or (judged.fact.speaker or "")[:MAX_NAME]

    def _categories(self, judged: Verdict) -> list[Category]:
        return list(dict.fromkeys(self.categories[name] for name in judged.fact.categories))

    def _supersede(self, older: Memory, *, by: Memory) -> None:
        if older.pk not in self.superseded:
            self.superseded[older.pk] = by.pk
            self._put_aside(older, by, SUPERSEDED)

    def _put_aside(self, memory: Memory, other: Memory, reason: str) -> None:
        Memory.objects.filter(pk=memory.pk).supersede_by(other, by=self.by, reason=reason)


def _about(fact: Fact) -> dict[str, str]:
    """What is kept of a fact beside its text. What the app itself has put there goes before."""
    about = {"actor": fact.speaker, "date": fact.date}
    return {name: value for name, value in about.items() if value}
