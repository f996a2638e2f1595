"""Events: what a call of a Mem0 client did, or is about to do."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from core.errors import Malformed, NotFound
from jobs.models import Job
from jobs.models import State as JobState
from jobs.models.job import UNFINISHED
from memories.lifecycle.remember import Event as StoredEvent
from memories.lifecycle.remember import StoredMemory
from memories.models import Memory, State
from memories.models.memory import MemoryQuerySet

from .models import Event, EventType
from .tenant import Tenant
from .webhook_outbox import wake_deliverer

KEPT_FOR = timedelta(days=30)
# Old ones that go with each new one.
PRUNED_AT_ONCE = 20

NAMES = {StoredEvent.ADD: "ADD", StoredEvent.DUPLICATE: "NOOP", StoredEvent.UPDATE: "UPDATE"}


class EventNotFound(NotFound):
    """Event not found."""

    code = "event_not_found"


def write_event(
    tenant: Tenant,
    event_type: EventType,
    *,
    user: User | None = None,
    results: Sequence[dict[str, str]] = (),
    jobs: Sequence[uuid.UUID] = (),
) -> Event:
    """Note what a call did, in its transaction. Old events of the account go."""
    old = Event.objects.filter(
        account=tenant.account, created_at__lt=timezone.now() - KEPT_FOR
    ).values("pk")[:PRUNED_AT_ONCE]
    Event.objects.filter(pk__in=old).delete()
    is_end_user = user is not None and user != tenant.account and user.is_stored
    event = Event.objects.create(
        account=tenant.account,
        user=user if is_end_user else None,
        app_name=tenant.key.app_name,
        event_type=event_type,
        results=list(results),
        jobs=list(jobs),
    )
    wake_deliverer(tenant)
    return event


def delete_memories(
    tenant: Tenant, memories: MemoryQuerySet, event_type: EventType, *, user: User | None = None
) -> Event:
    """Delete all of these memories, and note it."""
    memories.undeleted().change_state(State.DELETED, by=tenant.account)
    return write_event(tenant, event_type, user=user)


def describe_stored(stored: Iterable[StoredMemory]) -> list[dict[str, str]]:
    return [{"id": str(each.memory.pk), "event": NAMES[each.event]} for each in stored]


def find_events(tenant: Tenant) -> Any:
    """The events that a key may know of, the newest first: those of its app, if it has one."""
    events = Event.objects.filter(account=tenant.account).order_by("-created_at", "-pk")
    if tenant.key.app_name:
        events = events.filter(app_name=tenant.key.app_name)
    return events.filter(user=None) if tenant.is_pinned else events


def filter_by_status(tenant: Tenant, status: str) -> Any:
    """The events of a status, which is that of their jobs. Raises Malformed."""
    own = Job.objects.of_account(tenant.account)
    unfinished, begun, failed = (
        Q(jobs__overlap=ArraySubquery(jobs.values("pk")))
        for jobs in (
            own.filter(state__in=UNFINISHED),
            own.exclude(state=JobState.QUEUED),
            own.filter(state__in=[JobState.FAILED, JobState.CANCELLED]),
        )
    )
    conditions = {
        "PENDING": unfinished & ~begun,
        "RUNNING": unfinished & begun,
        "FAILED": failed & ~unfinished,
        "SUCCEEDED": ~failed & ~unfinished,
    }
    if status not in conditions:
        raise Malformed(f"`status` is one of {', '.join(conditions)}.", field="status")
    return find_events(tenant).filter(conditions[status])


def get_event(tenant: Tenant, pk: uuid.UUID) -> Event:
    """Raises EventNotFound."""
    event = find_events(tenant).filter(pk=pk).first()
    if event is None:
        raise EventNotFound
    found: Event = event
    return found


def show_events(tenant: Tenant, events: Sequence[Event]) -> list[dict[str, Any]]:
    jobs = Job.objects.in_bulk([pk for event in events for pk in event.jobs])
    shown = [(event, _read_outcome(event, jobs)) for event in events]
    results = [entry for _, outcome in shown for entry in outcome["results"]]
    texts = load_texts(tenant, [entry["id"] for entry in results])
    if tenant.key.app_name or tenant.is_pinned:
        for _, outcome in shown:  # what the key may not read is not there
            outcome["results"] = [entry for entry in outcome["results"] if entry["id"] in texts]
    return [_show(event, outcome, texts) for event, outcome in shown]


def _show(event: Event, outcome: dict[str, Any], texts: dict[str, str]) -> dict[str, Any]:
    ended = outcome.pop("ended_at")
    latency = None if ended is None else (ended - event.created_at).total_seconds() * 1000
    return {
        "id": str(event.pk),
        "event_type": event.event_type,
        "payload": {},
        "metadata": {},
        **outcome,
        "results": [show_result(entry, texts) for entry in outcome["results"]],
        "created_at": event.created_at.isoformat(),
        "updated_at": (ended or event.created_at).isoformat(),
        "started_at": event.created_at.isoformat(),
        "completed_at": ended and ended.isoformat(),
        "latency": latency,
    }


def _read_outcome(event: Event, jobs: dict[uuid.UUID, Job]) -> dict[str, Any]:
    """The state of an event is that of its jobs. Those that are no longer kept have succeeded."""
    own = [jobs[pk] for pk in event.jobs if pk in jobs]
    states = {job.state for job in own}
    ends = [job.finished_at for job in own if job.finished_at]
    ended_at = max(ends, default=event.created_at)
    if states & {*UNFINISHED}:
        is_running = JobState.RUNNING in states or bool(ends)
        status = "RUNNING" if is_running else "PENDING"
        return {"status": status, "results": [], "error": None, "ended_at": None}
    failed = [job for job in own if job.state != JobState.SUCCEEDED]
    if failed:
        error = (failed[0].error or {}).get("detail") or f"The job was {failed[0].state}."
        return {"status": "FAILED", "results": event.results, "error": error, "ended_at": ended_at}
    results = [*event.results, *(entry for job in own for entry in _facts_of(job, event))]
    return {"status": "SUCCEEDED", "results": results, "error": None, "ended_at": ended_at}


def _facts_of(job: Job, event: Event) -> Iterable[dict[str, str]]:
    """What the language model made of a message, beside the message's own memory."""
    known = {entry["id"] for entry in event.results}
    result = job.result or {}
    for pk in result.get("added", []):
        if pk not in known:
            yield {"id": pk, "event": "ADD"}
    for pk in result.get("known", []):
        yield {"id": pk, "event": "NOOP"}


def load_texts(tenant: Tenant, ids: Iterable[str]) -> dict[str, str]:
    """The texts of memories, as long as they live."""
    living = tenant.memories().undeleted().filter(pk__in=list(ids))
    return {str(pk): text for pk, text in living.values_list("pk", "content")}


def show_result(entry: dict[str, str], texts: dict[str, str]) -> dict[str, Any]:
    text = texts.get(entry["id"], "")
    return {"id": entry["id"], "memory": text, "data": {"memory": text}, "event": entry["event"]}


def show_memories(stored: Iterable[StoredMemory]) -> list[dict[str, Any]]:
    """The results of an add that is done."""
    stored = list(stored)
    duplicates = [each.memory.pk for each in stored if each.event == StoredEvent.DUPLICATE]
    known = Memory.objects.filter(pk__in=duplicates).values_list("pk", "content")
    texts = {str(pk): text for pk, text in known}
    texts |= {str(each.memory.pk): each.memory.content for each in stored if each.memory.content}
    return [show_result(entry, texts) for entry in describe_stored(stored)]
