"""Erase a person: all that is kept of them, in every table, file and queue.

It goes step by step, and where it was broken off it is begun again: first nobody can act for the
person any more, then what was begun for them ends, then everything goes, the person last. Why in
this order: docs/decisions/0025-erasure.md.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from psycopg.errors import LockNotAvailable

from accounts.models import ApiKey, User
from apps_registry.models import AccessRule, App
from configuration.models import ConfigurationChange
from core.errors import Conflict
from jobs.deletion import JobStillRunning, delete_jobs
from jobs.models import Job
from jobs.models.job import JobQuerySet
from jobs.registry import JobType
from memories.access import log
from memories.lifecycle import archive, purge
from memories.models import (
    Access,
    ArchivePolicy,
    Categorization,
    Category,
    Embedding,
    EmbeddingSpace,
    FirstAccess,
    Memory,
    Revision,
    StateChange,
    UserIndex,
)
from memories.vectors import migration, user_index

from . import personal_data, physical_erasure
from .models import Receipt
from .models.receipt import fingerprint
from .vacuum import TablesBusy

# Jobs that operators begin, and that are nobody's own.
FOR_EVERYBODY = [
    job_type.name
    for job_type in (
        migration.reembed,
        migration.compare_spaces,
        migration.drop_space,
        archive.apply_policy,
    )
]

# Memories that one transaction removes, and one receipt names.
BATCH = 1_000

# Seconds that is waited for a run of theirs to end, or for a request that is just writing.
PATIENCE = 90

# A category that is younger may be about to be used by a job that has just made it.
SETTLED = timedelta(minutes=10)

Telling = Callable[[str], None]


class HeldUp(Conflict):
    """Something is still writing for this person: try again when it has ended."""

    code = "erasure_held_up"


ERASE = JobType(
    "erase",
    queue="long",
    attempts=50,
    retries_on=(JobStillRunning, HeldUp, user_index.IndexingUnderway, TablesBusy),
)


@dataclass
class Erased:
    """What became of an erasure. `remarks` say what it cannot reach, and where that may be."""

    act: uuid.UUID
    subject: str
    counts: Counter[str] = field(default_factory=Counter)
    remarks: list[str] = field(default_factory=list)


def belongings(user: User) -> dict[str, QuerySet]:
    """The rows that belong to a person, by the names of their models."""
    return {
        "Memory": Memory.objects.owned_by(user),
        "Embedding": Embedding.objects.filter(user=user),
        "Categorization": Categorization.objects.filter(user=user),
        "StateChange": StateChange.objects.filter(memory__user=user),
        "Revision": Revision.objects.filter(memory__user=user),
        "Access": Access.objects.filter(memory__user=user),
        "FirstAccess": FirstAccess.objects.filter(memory__user=user),
        "App": App.objects.owned_by(user),
        "AccessRule": AccessRule.objects.filter(app__owner=user),
        "ArchivePolicy": ArchivePolicy.objects.filter(user=user),
        "UserIndex": UserIndex.objects.filter(user=user),
        "ApiKey": ApiKey.objects.filter(user=user),
        "Job": jobs_about(user),
        "User": User.objects.filter(pk=user.pk),
    }


def plan(user: User) -> Counter[str]:
    """Count what an erasure would remove."""
    counts = Counter({name: rows.count() for name, rows in belongings(user).items()})
    files = {
        "sessions": len(personal_data.sessions_of(user)),
        "backups": len(personal_data.backups_of(user)),
    }
    return counts + Counter(files)


def queue_erasure(user: User, *, by: User, scrub: bool = False) -> Job:
    """Have a person erased in the background. They are locked out when this returns."""
    with transaction.atomic():
        _lock_out(user)
        parameters = {"user": str(user.pk), "by": str(by.pk), "scrub": scrub}
        return ERASE.enqueue(owner=None, parameters=parameters, queueing_lock=str(user.pk))


def erase(
    user: User, *, by: User | None, scrub: bool = False, telling: Telling = lambda what: None
) -> Erased:
    """Erase a person. Not in a transaction.

    `by` is None where it was asked for on the machine itself. With `scrub` the tables are written
    anew, during which nobody reads them: see `scrubbing`. Raises JobStillRunning, HeldUp and
    IndexingUnderway; then the person is locked out, and the rest is done when it is begun again.
    """
    by = None if by == user else by
    erased = Erased(
        uuid.uuid4(), fingerprint(user.user_id), remarks=personal_data.out_of_reach(user)
    )
    mine = Categorization.objects.filter(user=user).values_list("category", flat=True)
    categories = set(mine.distinct())
    personal_data.forget_key_file(user)
    while True:
        telling("locking the person out")
        with transaction.atomic():
            erased.counts += _lock_out(user)
        erased.counts["Job"] += delete_jobs(jobs_about(user), timeout=PATIENCE)
        telling("removing memories")
        _remove_memories(user, by, erased)
        erased.counts += _drop_categories(categories)
        telling("removing indexes and files")
        personal_data.end_streams(user)
        for space in EmbeddingSpace.objects.all():
            user_index.drop_index(user, space)
        erased.counts["backups"] += personal_data.remove_backups(user)
        log.anonymize_operator(user)
        telling("removing the rest")
        if _remove_rest(user, by, erased):
            break
    erased.remarks += physical_erasure.clear(whole=scrub, telling=telling)
    return erased


def _lock_out(user: User) -> Counter[str]:
    """Let nobody act for a person from the next request on, in the caller's transaction."""
    User.objects.filter(pk=user.pk).update(is_active=False, updated_at=timezone.now())
    theirs = ApiKey.objects.filter(user=user)
    logged = personal_data.forget_log(ApiKey, theirs.values_list("pk", flat=True))
    keys, _ = theirs.delete()
    sessions = personal_data.end_sessions(user)
    # What is done for everybody goes on, though it was this operator who asked for it.
    Job.objects.owned_by(user).filter(kind__in=FOR_EVERYBODY).update(owner=None)
    return logged + Counter({"ApiKey": keys, "sessions": sessions})


def _remove_memories(user: User, by: User | None, erased: Erased) -> None:
    of_theirs = Memory.objects.owned_by(user).order_by("pk").values_list("pk", flat=True)
    while ids := list(of_theirs[:BATCH]):
        with transaction.atomic():
            counts = _remove(ids)
            _write_receipt(erased, counts, by=by, memories=ids)
        erased.counts += counts


def _remove(ids: Collection[uuid.UUID]) -> Counter[str]:
    purge.lock_readers(list(ids))
    held = Memory.objects.filter(pk__in=ids).locked()
    gone = list(held.values_list("pk", flat=True))
    return purge.purge(gone) + personal_data.forget_log(Memory, gone)


def _remove_rest(user: User, by: User | None, erased: Erased) -> bool:
    """Remove what is left, the person last. Tells whether nothing has come in between."""
    with transaction.atomic():
        _hold(user)
        if jobs_about(user).exists():
            return False
        counts = _remove(list(Memory.objects.owned_by(user).values_list("pk", flat=True)))
        counts += _forget_acts(user) + purge.count_by_model(user.delete())
        erased.counts += counts
        _write_receipt(erased, erased.counts, by=by)
    return True


def _hold(user: User) -> None:
    """Wait for whoever is just writing something of theirs, and let nobody begin. Raises HeldUp."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout TO '{PATIENCE}s'")
    try:
        User.objects.select_for_update().get(pk=user.pk)
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            raise HeldUp from error
        raise


def _forget_acts(user: User) -> Counter[str]:
    """Take the person's name from what they did for everybody, and from the log of the admin."""
    changes = ConfigurationChange.objects.filter(Q(changed_by=user) | Q(operator=user.user_id))
    counts = Counter({"ConfigurationChange": changes.update(changed_by=None, operator="")})
    counts += personal_data.forget_log(User, [user.pk])
    for owned in (App.objects.owned_by(user), ArchivePolicy.objects.filter(user=user)):
        counts += personal_data.forget_log(owned.model, owned.values_list("pk", flat=True))
    return counts


def _drop_categories(theirs: Collection[uuid.UUID]) -> Counter[str]:
    """Drop the names that a model has made of their words and that nobody else's memories have."""
    settled = timezone.now() - SETTLED
    abandoned = Category.objects.abandoned().filter(created_at__lt=settled)
    with transaction.atomic():
        named = [*theirs, *abandoned.values_list("pk", flat=True)]
        unused = Category.objects.unused().filter(pk__in=named).locked()
        logged = personal_data.forget_log(Category, unused.values_list("pk", flat=True))
        return logged + purge.count_by_model(unused.delete())


def _write_receipt(erased: Erased, counts: Counter[str], *, by: User | None, **more: Any) -> None:
    Receipt.objects.create(
        kind=Receipt.Kind.ERASURE,
        act=erased.act,
        subject=erased.subject,
        counts=+counts,
        remarks=erased.remarks,
        made_by=by,
        **more,
    )


def jobs_about(user: User) -> JobQuerySet:
    """The jobs of a person, and those that others had done about them."""
    about = Q(owner=user) | Q(parameters__user=str(user.pk))
    return Job.objects.filter(about).exclude(kind=ERASE.name)
