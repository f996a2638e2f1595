from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from django.db.models import Q
from rest_framework.response import Response

from accounts.authentication import AuthenticatedRequest
from apps_registry.acting_app import get_writing_app
from core.errors import Conflict, Malformed
from core.transactions import change
from mem0.account_reader import filters_for, reader_for
from mem0.entity_register import app_entity, register_entities
from mem0.event_log import describe_stored, show_memories, write_event
from mem0.filter_condition import Condition, both, parse_filters
from mem0.filter_fields import category_in, parse_field, read_moment
from mem0.memory_decay import rank_by_use, widen
from mem0.memory_shape import keep_fields, load, load_users, show_memory
from mem0.message_list import read_flag, read_messages, read_scope
from mem0.models import Event, EventType
from mem0.project_settings import check_guidance, has_decay, read_guidance
from mem0.shared_score import score_hits
from mem0.tenant import parse_id
from memories.lifecycle.guidance import Guidance
from memories.lifecycle.remember import StoredMemory
from memories.lifecycle.remember_many import remember_kept
from memories.lifecycle.revise_each import revise_each
from memories.limits import MAX_BULK, MAX_TEXT_BYTES
from memories.models import Memory, State
from memories.models.memory import MemoryQuerySet
from memories.search import Cutoffs, find_hits, log_hits

from .mem0_view import DialectViewSet, PageOf, read_number
from .one_memory import read_edit

DAY = timedelta(days=1)
MAX_TOP_K = 1_000


class MemoriesViewSet(DialectViewSet):
    """Many memories: add, list, search, and change in batches."""

    safe_actions: ClassVar = {"list", "search"}
    slow_actions: ClassVar = {"create", "update_many"}
    max_body_bytes = 8 * 1024 * 1024

    def create(self, request: AuthenticatedRequest) -> Response:
        return Response(self.add())

    def add(self, *, waits: bool = False) -> dict[str, Any]:
        """Store a memory for each message. With `waits` the answer has what is stored by now."""
        key, body = self.request.auth, self.body
        scope = read_scope(body)
        infers = read_flag(body, "infer", default=True)
        is_agents = scope.agent_id is not None
        guidance = read_guidance(self.tenant, body, is_agents=is_agents) if infers else Guidance()
        news = read_messages(body, scope, guidance)
        check_guidance(guidance, texts=len(news))
        user = self.tenant.find_user(scope.user_id)
        if not news:
            return self._describe_add(write_event(self.tenant, EventType.ADD), [])
        app = get_writing_app(key, user=user, app_name=scope.app_id)
        named = {**scope.named(), "app_id": app_entity(app.name)}
        entities = {name: value for name, value in named.items() if value}
        events: list[Event] = []

        def note(stored: Sequence[StoredMemory]) -> None:
            register_entities(self.tenant, entities, user=user)
            jobs = [each.job.pk for each in stored if each.job]
            results = describe_stored(stored)
            events.append(
                write_event(self.tenant, EventType.ADD, user=user, results=results, jobs=jobs)
            )

        pairs = [(new, app) for new in news]
        stored = remember_kept(pairs, user=user, by=key.user, key=key, note=note)
        if not events:
            return self._describe_add(write_event(self.tenant, EventType.ADD), [])
        [event] = events
        if event.jobs and not waits:
            message = "Memory processing has been queued for background execution"
            return {"message": message, "status": "PENDING", "event_id": str(event.pk)}
        return self._describe_add(event, stored)

    def _describe_add(self, event: Event, stored: Sequence[StoredMemory]) -> dict[str, Any]:
        can_read = self.request.auth.can_read
        return {
            "message": "Memories stored successfully",
            "status": "SUCCEEDED",
            "event_id": str(event.pk),
            "results": show_memories(stored) if can_read else describe_stored(stored),
        }

    def list(self, request: AuthenticatedRequest) -> Response:
        refuse_ids_beside_filters(self.body)
        condition = parse_filters(self.body.get("filters"), self.tenant).require_scope()
        page = PageOf.of(self)
        return page.answer(request, self.find(condition), self.show_list)

    def find(self, condition: Condition) -> MemoryQuerySet:
        """The memories of a list, the newest first."""
        body = self.body
        memories = self.tenant.memories().filter(condition.q, narrow(body))
        if not self._shows_expired():
            memories = memories.unexpired()
        states = Q(state=State.ACTIVE)
        if not read_flag(body, "latest_only", default=True):
            states |= Q(state=State.ARCHIVED, superseded_by__isnull=False)
        return load(memories.filter(states)).order_by("-created_at", "pk")

    def _shows_expired(self) -> bool:
        is_asked = read_flag(self.body, "show_expired", default=False)
        if is_asked:
            self.tenant.require_seeing_expired()
        return is_asked

    def show_list(self, memories: Sequence[Memory]) -> Sequence[Any]:
        fields = read_fields(self.body)
        return [keep_fields(show_memory(memory), fields) for memory in memories]

    def search(self, request: AuthenticatedRequest) -> Response:
        refuse_ids_beside_filters(self.body)
        condition = parse_filters(self.body.get("filters"), self.tenant).require_scope()
        decays = has_decay(self.tenant)
        return Response({"results": self.find_hits(condition, threshold=0.1, decays=decays)})

    def find_hits(
        self, condition: Condition, *, threshold: float | None, decays: bool = False
    ) -> Sequence[Any]:
        """Search, and show the hits, the best first. Raises Malformed and SearchTooWide."""
        body = self.body
        query = body.get("query")
        if not isinstance(query, str) or not query.strip():
            raise Malformed("`query` is a text that is not empty.", field="query")
        if len(query.encode()) > MAX_TEXT_BYTES:
            raise Malformed(f"`query` has at most {MAX_TEXT_BYTES:,} bytes.", field="query")
        top_k = read_number(
            body.get("top_k", body.get("limit")), "top_k", default=10, most=MAX_TOP_K
        )
        given = body.get("threshold")
        if given is not None:
            threshold = read_share(given, "threshold")
        condition = both(condition, Condition(narrow(body)))
        fields = read_fields(body)
        reader = reader_for(self.tenant, condition, sees_expired=self._shows_expired())
        cutoffs = Cutoffs(widen(top_k) if decays else top_k, min_score=0)
        filters = filters_for(condition, reader)
        found = find_hits(query, reader=reader, cutoffs=cutoffs, filters=filters).hits
        scored = score_hits(found, threshold=threshold)
        if decays:
            scored = rank_by_use(scored)[:top_k]
        hits = [hit for hit, _ in scored]
        log_hits(hits, reader=reader)
        load_users([hit.memory for hit in hits], reader=reader)
        return [
            keep_fields({**show_memory(hit.memory), "score": score}, fields)
            for hit, score in scored
        ]

    def update_many(self, request: AuthenticatedRequest) -> Response:
        edits = {}
        for entry in self._read_batch():
            edits[parse_id(entry.get("memory_id"))] = read_edit(entry)
        memories = self.tenant.memories().undeleted()
        memories.exactly(edits.keys())
        results = [{"id": str(pk), "event": "UPDATE"} for pk in edits]

        def note() -> None:
            write_event(self.tenant, EventType.UPDATE, results=results)

        guidance = read_guidance(self.tenant, {})
        check_guidance(guidance, texts=len(edits))
        try:
            revise_each(
                edits,
                among=memories,
                by=request.user,
                guidance=guidance,
                note=note,
            )
        except Conflict as conflict:
            raise Malformed(conflict.detail) from conflict
        return Response({"message": f"Successfully updated {len(edits)} memories"})

    def destroy_many(self, request: AuthenticatedRequest) -> Response:
        ids = {parse_id(entry.get("memory_id")) for entry in self._read_batch()}
        with change():
            memories = self.tenant.memories().undeleted().exactly(ids)
            memories.change_state(State.DELETED, by=request.user)
            results = [{"id": str(pk), "event": "DELETE"} for pk in ids]
            write_event(self.tenant, EventType.DELETE, results=results)
        return Response({"message": f"Successfully deleted {len(ids)} memories"})

    def _read_batch(self) -> Sequence[Mapping[str, Any]]:
        entries = self.body.get("memories")
        if not isinstance(entries, list) or not 0 < len(entries) <= MAX_BULK:
            raise Malformed(f"`memories` is a list of 1 to {MAX_BULK:,} objects.")
        for entry in entries:
            if not isinstance(entry, Mapping) or not isinstance(entry.get("memory_id"), str):
                raise Malformed('Each of `memories` is an object: {"memory_id": "…"}.')
        return entries


def refuse_ids_beside_filters(body: Mapping[str, Any]) -> None:
    """Raises Malformed: ids beside the filters would be ignored, and widen what is read."""
    named = [name for name in ("user_id", "agent_id", "app_id", "run_id") if body.get(name)]
    if named:
        raise Malformed(
            f'`{named[0]}` belongs in `filters`: {{"filters": {{"{named[0]}": …}}}}.',
            field=named[0],
        )


def read_fields(body: Mapping[str, Any]) -> Sequence[str]:
    """The fields to show of each memory; all if none is named. Raises Malformed."""
    fields = body.get("fields") or []
    if isinstance(fields, str):
        fields = fields.split(",")
    if not isinstance(fields, list) or not all(isinstance(name, str) for name in fields):
        raise Malformed("`fields` is a list of names.", field="fields")
    return [name.strip() for name in fields]


def narrow(body: Mapping[str, Any]) -> Q:
    """What stands beside the filters. Raises InvalidFilters."""
    q = Q()
    if body.get("categories"):
        names = body["categories"]
        q &= category_in(names.split(",") if isinstance(names, str) else names)
    for name in ("keywords", "metadata"):
        if body.get(name):
            q &= parse_field(name, body[name])
    if body.get("start_date"):
        q &= Q(created_at__gte=read_moment("start_date", body["start_date"]))
    if body.get("end_date"):
        end = read_moment("end_date", body["end_date"])
        is_day = isinstance(body["end_date"], str) and len(body["end_date"].strip()) == 10
        q &= Q(created_at__lt=end + DAY) if is_day else Q(created_at__lte=end)
    return q


def read_share(value: Any, name: str) -> float:
    """A number from 0 to 1. Raises Malformed."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise Malformed(f"`{name}` is a number from 0 to 1.", field=name)
    return float(value)
