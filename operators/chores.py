"""The chores of housekeeping.

Each chore works in small steps, is idempotent, and continues where it was interrupted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from accounts.models import KeptAnswer, PersonSession, SignInLink
from jobs import retention
from jobs.models import Job
from memories.access import log
from memories.lifecycle import archive, word_index
from memories.models import Category, UserCategory
from memories.models.category import CategoryQuerySet
from memories.models.user_category import UserCategoryQuerySet
from memories.vectors import user_index
from oauth.models import AuthorizationCode, OAuthClient
from oauth.models.oauth_connection import expired_keys

from . import purge_deleted, vacuum

# A younger category may be empty because the job that created it has yet to use it.
MIN_CATEGORY_AGE = timedelta(days=1)

ANSWERS_PER_STEP = 10_000

Counts = Counter[str]
Step = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True)
class Chore:
    """A cleanup task. `count_due` counts the work, `run` yields counts after each step."""

    name: str
    description: str
    count_due: Callable[[], Counts]
    run: Callable[[Step], Iterator[Counts]]


def _accesses_expire_before() -> datetime | None:
    days = settings.ACCESSES_KEEP_DAYS
    return timezone.now() - timedelta(days=days) if days else None


def _count_accesses() -> Counts:
    cutoff = _accesses_expire_before()
    return Counter({"Access": log.count_before(cutoff) if cutoff else 0})


def _prune_accesses(step: Step) -> Iterator[Counts]:
    cutoff = _accesses_expire_before()
    if cutoff is not None:
        yield from log.prune(cutoff, step=step)


def _abandoned_categories() -> CategoryQuerySet:
    """Those that no user has, nor had as of a moment of the past."""
    abandoned = Category.objects.abandoned().filter(
        created_at__lt=timezone.now() - MIN_CATEGORY_AGE
    )
    own = UserCategory.objects.filter(category=OuterRef("pk"))
    return abandoned.filter(~Exists(own))


def _unused_categories() -> UserCategoryQuerySet:
    age = timezone.now() - MIN_CATEGORY_AGE
    return UserCategory.objects.unused().filter(created_at__lt=age, updated_at__lt=age)


def _count_categories() -> Counts:
    return Counter(
        {
            "Category": _abandoned_categories().count(),
            "UserCategory": _unused_categories().count(),
        }
    )


def _drop_categories(step: Step) -> Iterator[Counts]:
    with step():
        user_categories, _ = _unused_categories().locked().delete()
    yield Counter({"UserCategory": user_categories})
    with step():
        _, deleted = _abandoned_categories().locked().delete()
    yield Counter({"Category": deleted.get("memories.Category", 0)})


def _count_wrong_counters() -> Counts:
    return Counter({"App": len(log.with_wrong_count())})


def _recount(step: Step) -> Iterator[Counts]:
    for app in log.with_wrong_count():
        with step():
            log.recount(app)
        yield Counter({"App": 1})


def _count_jobs() -> Counts:
    return Counter({"Job": retention.expired_jobs().count()})


def _remove_jobs(step: Step) -> Iterator[Counts]:
    before = Job.objects.count()
    retention.remove_expired()
    yield Counter({"Job": max(0, before - Job.objects.count())})


def _expired_access() -> dict[str, QuerySet[Any]]:
    return {
        "Session": Session.objects.filter(expire_date__lt=timezone.now()),
        "PersonSession": PersonSession.objects.expired(),
        "SignInLink": SignInLink.objects.expired(),
        "AuthorizationCode": AuthorizationCode.objects.expired(),
        "ApiKey": expired_keys(),
        "OAuthClient": OAuthClient.objects.expired(),
    }


def _count_sessions() -> Counts:
    return Counter({name: rows.count() for name, rows in _expired_access().items()})


def _delete_sessions(step: Step) -> Iterator[Counts]:
    for name, rows in _expired_access().items():
        with step():
            deleted, _ = rows.delete()
        yield Counter({name: deleted})


def _count_answers() -> Counts:
    return Counter({"KeptAnswer": KeptAnswer.objects.expired().count()})


def _delete_answers(step: Step) -> Iterator[Counts]:
    ids = KeptAnswer.objects.expired().order_by("created_at").values_list("pk", flat=True)
    while batch := list(ids[:ANSWERS_PER_STEP]):
        with step():
            deleted, _ = KeptAnswer.objects.filter(pk__in=batch).delete()
        yield Counter({"KeptAnswer": deleted})


def _count_indexes() -> Counts:
    return Counter({"indexes": len(user_index.find_overdue()) + len(user_index.find_leftovers())})


def _sync_indexes(step: Step) -> Iterator[Counts]:
    for user, space in user_index.find_overdue():
        yield Counter({f"indexes {user_index.sync_index(user, space)}": 1})
    yield Counter({"indexes dropped": len(user_index.drop_leftovers())})


def _count_words() -> Counts:
    return Counter({"Memory": word_index.outdated().count()})


def _index_words(step: Step) -> Iterator[Counts]:
    renewed = 0
    for count in word_index.renew(word_index.outdated(), step=step):
        renewed += count
        yield Counter({"Memory": count})
    if renewed:
        word_index.recount_common_words()


def _count_tables() -> Counts:
    return Counter({"tables": len(vacuum.find_overdue_tables())})


def _vacuum(step: Step) -> Iterator[Counts]:
    for _ in vacuum.vacuum_tables(vacuum.find_overdue_tables()):
        with step():  # stops here if the lease of the job has expired
            pass
        yield Counter({"tables": 1})


# In this order: what is archived in a run is not purged in it, and vacuum follows all deletions.
CHORES = (
    Chore(
        "archive",
        "apply archive policies",
        archive.count_due,
        lambda step: archive.archive_due(step=step),
    ),
    Chore(
        "purge",
        "purge deleted memories",
        purge_deleted.count_due,
        lambda step: purge_deleted.purge_due(step=step),
    ),
    Chore("accesses", "remove old entries of the access log", _count_accesses, _prune_accesses),
    Chore("categories", "remove empty categories", _count_categories, _drop_categories),
    Chore("counters", "correct the read counters of apps", _count_wrong_counters, _recount),
    Chore("jobs", "remove old jobs", _count_jobs, _remove_jobs),
    Chore(
        "sessions",
        "remove expired sessions, sign-in links and connections",
        _count_sessions,
        _delete_sessions,
    ),
    Chore("answers", "remove old answers of idempotency keys", _count_answers, _delete_answers),
    Chore("indexes", "build and remove indexes of users", _count_indexes, _sync_indexes),
    Chore("words", "index the words that a former release stored", _count_words, _index_words),
    Chore("vacuum", "vacuum and analyze tables", _count_tables, _vacuum),
)  # fmt: skip
