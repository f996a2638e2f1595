"""What is cleared up from time to time.

Each chore does its work in small steps, does no harm when it is done twice, and goes on where it
was broken off.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.utils import timezone

from jobs import retention
from jobs.models import Job
from memories.access import log
from memories.lifecycle import archive
from memories.models import Category
from memories.models.category import CategoryQuerySet
from memories.vectors import user_index

from . import purge_deleted, vacuum

# How old a category is at least that is dropped: a job makes it before it puts a memory in.
SETTLED = timedelta(days=1)

Counts = Counter[str]
Step = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True)
class Chore:
    """Something to be cleared up. `due` counts what there is, `do` tells after each step."""

    name: str
    says: str
    due: Callable[[], Counts]
    do: Callable[[Step], Iterator[Counts]]


def _forgotten_before() -> datetime | None:
    days = settings.ACCESSES_KEEP_DAYS
    return timezone.now() - timedelta(days=days) if days else None


def _count_accesses() -> Counts:
    moment = _forgotten_before()
    return Counter({"Access": log.count_before(moment) if moment else 0})


def _forget_accesses(step: Step) -> Iterator[Counts]:
    moment = _forgotten_before()
    if moment is not None:
        yield from log.prune(moment, step=step)


def _abandoned_categories() -> CategoryQuerySet:
    return Category.objects.abandoned().filter(created_at__lt=timezone.now() - SETTLED)


def _count_categories() -> Counts:
    return Counter({"Category": _abandoned_categories().count()})


def _drop_categories(step: Step) -> Iterator[Counts]:
    with step():
        gone, _ = _abandoned_categories().locked().delete()
    yield Counter({"Category": gone})


def _count_miscounted() -> Counts:
    return Counter({"App": len(log.with_wrong_count())})


def _recount(step: Step) -> Iterator[Counts]:
    for app in log.with_wrong_count():
        with step():
            log.recount(app)
        yield Counter({"App": 1})


def _count_jobs() -> Counts:
    return Counter({"Job": retention.expired_jobs().count()})


def _end_jobs(step: Step) -> Iterator[Counts]:
    before = Job.objects.count()
    retention.remove_expired()
    yield Counter({"Job": max(0, before - Job.objects.count())})


def _ended_sessions() -> QuerySet[Session]:
    return Session.objects.filter(expire_date__lt=timezone.now())


def _count_sessions() -> Counts:
    return Counter({"Session": _ended_sessions().count()})


def _end_sessions(step: Step) -> Iterator[Counts]:
    with step():
        gone, _ = _ended_sessions().delete()
    yield Counter({"Session": gone})


def _count_indexes() -> Counts:
    return Counter({"indexes": len(user_index.find_overdue()) + len(user_index.find_leftovers())})


def _see_to_indexes(step: Step) -> Iterator[Counts]:
    for user, space in user_index.find_overdue():
        yield Counter({f"indexes {user_index.sync_index(user, space)}": 1})
    yield Counter({"indexes dropped": len(user_index.drop_leftovers())})


def _count_tables() -> Counts:
    return Counter({"tables": len(vacuum.neglected())})


def _vacuum(step: Step) -> Iterator[Counts]:
    for _ in vacuum.vacuum(vacuum.neglected()):
        with step():  # the end of a job's lease ends it here
            pass
        yield Counter({"tables": 1})


# In this order: what is archived today is not purged today, and what was removed is vacuumed.
CHORES = (
    Chore(
        "archive",
        "archive what policies say",
        archive.count_due,
        lambda step: archive.archive_due(step=step),
    ),
    Chore(
        "purge",
        "purge what was deleted",
        purge_deleted.due,
        lambda step: purge_deleted.purge(step=step),
    ),
    Chore("accesses", "forget old accesses", _count_accesses, _forget_accesses),
    Chore("categories", "drop what nothing is in", _count_categories, _drop_categories),
    Chore("counters", "count anew what apps have read", _count_miscounted, _recount),
    Chore("jobs", "end what was done long ago", _count_jobs, _end_jobs),
    Chore("sessions", "forget who was signed in", _count_sessions, _end_sessions),
    Chore("indexes", "see to indexes of users", _count_indexes, _see_to_indexes),
    Chore("vacuum", "vacuum and count tables", _count_tables, _vacuum),
)  # fmt: skip
