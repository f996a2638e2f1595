"""Apply the verdicts on the facts of a memory, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from accounts.models import User
from core.locks import Lock, lock_transaction
from memories.lifecycle.kept_categories import NOT_KEPT
from memories.lifecycle.remember import insert_memory
from memories.lifecycle.rewrite import Draft, rewrite_memory
from memories.limits import MAX_NAME
from memories.models import Category, Memory, State, Terms
from memories.models.state_change import KNOWN, SUPERSEDED
from memories.models.terms import NeverValid

from .extract import Fact
from .json_schemas import Relation
from .reconcile import Verdict
from .similar_memories import ComparedMemory, SimilarMemories
from .sources import lock_memories, require_unchanged, sender_of


class ConcurrentFacts(Exception):
    """A memory that these facts were not compared with has been added meanwhile."""


def require_no_concurrent_facts(verdicts: Sequence[Verdict], *, since: SimilarMemories) -> None:
    """Raises ConcurrentFacts when other facts of this user came in since these were compared.

    None come in until the transaction ends. Otherwise two messages that say the same at the same
    moment would both be new.
    """
    lock_transaction(Lock.INFERENCE, since.source.user_id.int)
    current = SimilarMemories.of(since.source, since.space)
    for verdict in verdicts:
        compared = {(memory.pk, memory.content) for memory in verdict.similar}
        [vector] = verdict.embedded.vectors[current.space]
        concurrent = current.find_concurrent(vector, since=since)
        if any((memory.pk, memory.content) not in compared for memory in concurrent):
            raise ConcurrentFacts


def apply_verdicts(
    source: Memory,
    verdicts: Sequence[Verdict],
    *,
    repeated: Sequence[ComparedMemory] = (),
    categories: Mapping[str, Category],
    keeps_source: bool = True,
) -> dict[str, Any]:
    """Store the facts of a memory and archive those that they supersede. Returns the job's result.

    The first new fact replaces the content that was sent, which stays in the memory's history. The
    others become new memories. When nothing is new, or `source` only consists of `repeated`
    memories, it is archived in favour of one that is known. Without `keeps_source`, all new facts
    become new memories, and `source` is deleted. Raises SourceChanged.
    """
    ids = {memory.pk for verdict in verdicts for memory in verdict.memories}
    ids |= {memory.pk for memory in repeated}
    locked = lock_memories(source, ids)
    source = require_unchanged(locked.get(source.pk))
    effects = Effects(
        source, by=sender_of(source), categories=categories, keeps_source=keeps_source
    )
    effects.known = _keep_unchanged(repeated, locked)
    for verdict in verdicts:
        effects.apply(verdict, _keep_unchanged(verdict.memories, locked))
    effects.finish()
    return effects.result()


def _keep_unchanged(
    compared: Iterable[ComparedMemory], locked: Mapping[UUID, Memory]
) -> list[Memory]:
    """Keep the memories that are still active and still have the content that was compared."""
    pairs = [(before, locked.get(before.pk)) for before in compared]
    return [
        memory
        for before, memory in pairs
        if memory
        and memory.state == State.ACTIVE
        and not memory.is_expired
        and memory.content == before.content
    ]


class Effects:
    """The effects of the facts of one memory, applied one after the other."""

    def __init__(
        self,
        source: Memory,
        *,
        by: User,
        categories: Mapping[str, Category],
        keeps_source: bool,
    ) -> None:
        self.source = source
        self.keeps_source = keeps_source
        # As they were before the first fact replaced the content that was sent.
        self._metadata = dict(source.metadata)
        self._actor = source.actor
        self._terms = source.terms
        self.by = by
        self.categories = categories
        self.added: list[Memory] = []
        self.known: list[Memory] = []
        self.superseded: dict[UUID, UUID] = {}  # older to newer

    def apply(self, verdict: Verdict, memories: Sequence[Memory]) -> None:
        """Apply the verdict on one fact, with the memories that know or contradict it."""
        if verdict.relation == Relation.KNOWN and memories:
            self.known += memories[:1]
            return
        adds = bool(self.added) or not self.keeps_source
        memory = self._add_memory(verdict) if adds else self._replace_source(verdict)
        self.added.append(memory)
        for other in memories:
            # The one that was said later holds, in whichever order they were sent.
            if other.created_at > memory.created_at:
                self._supersede(memory, by=other)
            else:
                self._supersede(other, by=memory)

    def finish(self) -> None:
        if not self.keeps_source:
            source = Memory.objects.filter(pk=self.source.pk)
            source.change_state(State.DELETED, by=self.by, reason=NOT_KEPT)
        elif self.known and not self.added:
            self._archive(self.source, self.known[0], KNOWN)

    def result(self) -> dict[str, Any]:
        return {
            "added": [str(memory.pk) for memory in self.added],
            "known": [str(memory.pk) for memory in self.known],
            "superseded": [
                {"memory_id": str(older), "superseded_by": str(newer)}
                for older, newer in self.superseded.items()
            ],
        }

    def _replace_source(self, verdict: Verdict) -> Memory:
        memory = self.source
        draft = Draft.of(
            memory,
            content=verdict.fact.text,
            metadata={**_build_metadata(verdict.fact), **self._metadata},
            actor=self._find_actor(verdict),
            terms=self._find_terms(verdict),
            categories=None if memory.categories_given else self._find_categories(verdict),
        )
        rewrite_memory(memory, draft, verdict.embedded, by=self.by, app=memory.app)
        return memory

    def _add_memory(self, verdict: Verdict) -> Memory:
        inferred = {**_build_metadata(verdict.fact), "inferred_from": str(self.source.pk)}
        memory = Memory(
            user=self.source.user,
            app=self.source.app,
            content=verdict.fact.text,
            metadata={**inferred, **self._metadata},
            actor=self._find_actor(verdict),
            conversation=self.source.conversation,
            agent_id=self.source.agent_id,
            created_at=self.source.created_at,
            **asdict(self._find_terms(verdict)),
        )
        insert_memory(
            memory, verdict.embedded, categories=self._find_categories(verdict), by=self.by
        )
        return memory

    def _find_actor(self, verdict: Verdict) -> str:
        """The actor of the source if it is known, else the speaker that the model found."""
        return self._actor or (verdict.fact.speaker or "")[:MAX_NAME]

    def _find_terms(self, verdict: Verdict) -> Terms:
        """Those that were sent with the source, and else what the model found."""
        sent = {name: value for name, value in asdict(self._terms).items() if value}
        terms = replace(verdict.fact.terms, **sent)
        try:
            terms.require_order()
        except NeverValid:
            return self._terms
        return terms

    def _find_categories(self, verdict: Verdict) -> list[Category]:
        return list(dict.fromkeys(self.categories[name] for name in verdict.fact.categories))

    def _supersede(self, older: Memory, *, by: Memory) -> None:
        """End the validity of a memory where that of another begins, and archive it from then on.

        What begins later replaces nothing yet.
        """
        if older.pk in self.superseded or older.immutable:
            return
        end = (by.valid_from or by.created_at).replace(microsecond=0)
        self._end_validity(older, end)
        if end <= timezone.now():
            self.superseded[older.pk] = by.pk
            self._archive(older, by, SUPERSEDED)

    def _end_validity(self, memory: Memory, end: datetime) -> None:
        begin, known_end = memory.valid_from, memory.valid_until
        if (begin is None or begin < end) and (known_end is None or end < known_end):
            draft = Draft.of(memory, terms=replace(memory.terms, valid_until=end))
            rewrite_memory(memory, draft, by=self.by, app=self.source.app)

    def _archive(self, memory: Memory, other: Memory, reason: str) -> None:
        Memory.objects.filter(pk=memory.pk).supersede_by(other, by=self.by, reason=reason)


def _build_metadata(fact: Fact) -> dict[str, str]:
    """The metadata of a fact. The app's own metadata overrides it."""
    metadata = {"actor": fact.speaker, "date": fact.date}
    return {name: value for name, value in metadata.items() if value}
