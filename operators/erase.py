"""Erase a user: everything stored about them, in every table, file and queue.

The steps can be repeated after an interruption. First the account is deactivated, then its jobs
end, then all rows are deleted, the user's own last. The order is explained in
docs/decisions/0025-erasure.md.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import OperationalError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from psycopg.errors import LockNotAvailable

from accounts.models import ApiKey, KeptAnswer, PersonSession, SignInLink, User
from apps_registry.models import AccessRule, App
from configuration.models import ConfigurationChange
from core import sql
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
    LogLine,
    Memory,
    Revision,
    StateChange,
    UserCategory,
    UserIndex,
)
from memories.vectors import migration, user_index

from . import personal_data, physical_erasure
from .models import Receipt
from .models.receipt import fingerprint
from .vacuum import TablesBusy

# Jobs that operators start and that concern all users.
SHARED_JOB_TYPES = [
    job_type.name
    for job_type in (
        migration.reembed,
        migration.compare_spaces,
        migration.drop_space,
        archive.apply_policy,
    )
]

# Memories per transaction and per receipt.
BATCH_SIZE = 1_000

# Seconds to wait for a running job of the user, or for a request that is writing.
WAIT_SECONDS = 90

# A younger category may belong to a job that has just created it and has yet to use it.
MIN_CATEGORY_AGE = timedelta(minutes=10)

ReportStep = Callable[[str], None]


class ErasureBlocked(Conflict):
    """Data of this user is still being written. Try again when that has finished."""

    code = "erasure_held_up"


ERASE = JobType(
    "erase",
    queue="long",
    attempts=50,
    retries_on=(JobStillRunning, ErasureBlocked, user_index.IndexingUnderway, TablesBusy),
)


@dataclass
class Erasure:
    """The result of an erasure. `remarks` say which data it cannot reach."""

    act: uuid.UUID
    subject: str
    counts: Counter[str] = field(default_factory=Counter)
    remarks: list[str] = field(default_factory=list)


def get_belongings(user: User) -> dict[str, QuerySet]:
    """The rows that belong to a user, by model name."""
    return {
        "Memory": Memory.objects.owned_by(user),
        "Embedding": Embedding.objects.filter(user=user),
        "Categorization": Categorization.objects.filter(user=user),
        "UserCategory": UserCategory.objects.filter(user=user),
        "StateChange": StateChange.objects.filter(memory__user=user),
        "Revision": Revision.objects.filter(memory__user=user),
        "Access": Access.objects.filter(memory__user=user),
        "FirstAccess": FirstAccess.objects.filter(memory__user=user),
        "App": App.objects.owned_by(user),
        "AccessRule": AccessRule.objects.filter(app__owner=user),
        "ArchivePolicy": ArchivePolicy.objects.filter(user=user),
        "UserIndex": UserIndex.objects.filter(user=user),
        "ApiKey": ApiKey.objects.filter(user=user),
        "KeptAnswer": KeptAnswer.objects.about(user),
        "PersonSession": PersonSession.objects.filter(user=user),
        "SignInLink": SignInLink.objects.filter(user=user),
        "Job": find_jobs(user),
        "User": User.objects.filter(pk=user.pk),
    }


def count_belongings(user: User) -> Counter[str]:
    """Count what an erasure would remove."""
    counts = Counter({name: rows.count() for name, rows in get_belongings(user).items()})
    files = {
        "sessions": len(personal_data.find_sessions(user)),
        "backups": len(personal_data.find_backups(user)),
    }
    return counts + Counter(files)


def enqueue_erasure(user: User, *, by: User, scrub: bool = False) -> Job:
    """Deactivate the account, and erase the user in a background job."""
    with transaction.atomic():
        _deactivate_account(user)
        parameters = {"user": str(user.pk), "by": str(by.pk), "scrub": scrub}
        return ERASE.enqueue(owner=None, parameters=parameters, queueing_lock=str(user.pk))


def erase_user(
    user: User, *, by: User | None, scrub: bool = False, report: ReportStep = lambda step: None
) -> Erasure:
    """Erase a user. Not in a transaction.

    `by` is None for the command line. `scrub` rewrites the tables, which cannot be read meanwhile:
    see `physical_erasure`. Raises JobStillRunning, ErasureBlocked and IndexingUnderway. The account
    is deactivated by then, and a retry completes the erasure.
    """
    by = None if by == user else by
    erasure = Erasure(
        uuid.uuid4(),
        fingerprint(user.user_id),
        remarks=personal_data.describe_unreachable_data(user),
    )
    category_ids = Categorization.objects.filter(user=user).values_list("category", flat=True)
    categories = set(category_ids.distinct())
    personal_data.remove_key_file(user)
    while True:
        report("deactivating the account")
        with transaction.atomic():
            erasure.counts += _deactivate_account(user)
        erasure.counts["Job"] += delete_jobs(find_jobs(user), timeout=WAIT_SECONDS)
        report("removing memories")
        _remove_memories(user, by, erasure)
        erasure.counts += _drop_categories(categories)
        report("removing indexes and files")
        personal_data.end_streams(user)
        for space in EmbeddingSpace.objects.all():
            user_index.drop_index(user, space)
        erasure.counts["backups"] += personal_data.remove_backups(user)
        log.anonymize_operator(user)
        report("removing the user")
        if _remove_rest(user, by, erasure):
            break
    erasure.remarks += physical_erasure.erase_physically(rewrite=scrub, report=report)
    return erasure


def _deactivate_account(user: User) -> Counter[str]:
    """Deactivate a user's account and delete its keys and sessions, in the caller's transaction."""
    User.objects.filter(pk=user.pk).update(is_active=False, updated_at=timezone.now())
    keys = ApiKey.objects.filter(user=user)
    log_entries = personal_data.delete_log_entries(ApiKey, keys.values_list("pk", flat=True))
    key_count, _ = keys.delete()
    sessions = personal_data.end_sessions(user)
    # Jobs for all users continue, even if this operator started them.
    Job.objects.owned_by(user).filter(kind__in=SHARED_JOB_TYPES).update(owner=None)
    return log_entries + Counter({"ApiKey": key_count, "sessions": sessions})


def _remove_memories(user: User, by: User | None, erasure: Erasure) -> None:
    memory_ids = Memory.objects.owned_by(user).order_by("pk").values_list("pk", flat=True)
    while ids := list(memory_ids[:BATCH_SIZE]):
        with transaction.atomic():
            lines = LogLine.objects.sequences_about(ids)
            counts = _remove(ids)
            _write_receipt(erasure, counts, by=by, memories=ids, log_lines=lines)
        erasure.counts += counts


def _remove(ids: Collection[uuid.UUID]) -> Counter[str]:
    sql.execute("SELECT set_config('openmemory.erasing', 'on', true)")  # for the log
    purge.lock_readers(list(ids))
    locked = Memory.objects.filter(pk__in=ids).locked()
    locked_ids = list(locked.values_list("pk", flat=True))
    return purge.purge(locked_ids) + personal_data.delete_log_entries(Memory, locked_ids)


def _remove_rest(user: User, by: User | None, erasure: Erasure) -> bool:
    """Remove the remaining rows, the user last. False if a new job must end first."""
    with transaction.atomic():
        _lock_user(user)
        if find_jobs(user).exists():
            return False
        counts = _remove(list(Memory.objects.owned_by(user).values_list("pk", flat=True)))
        counts += _anonymize_changes(user) + purge.count_by_model(user.delete())
        erasure.counts += counts
        _write_receipt(erasure, erasure.counts, by=by)
    return True


def _lock_user(user: User) -> None:
    """Wait for transactions that write data of the user, and block new ones.

    Raises ErasureBlocked.
    """
    sql.execute(f"SET LOCAL lock_timeout TO '{WAIT_SECONDS}s'")
    try:
        User.objects.select_for_update().get(pk=user.pk)
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            raise ErasureBlocked from error
        raise


def _anonymize_changes(user: User) -> Counter[str]:
    """Remove the user's name from configuration changes and from the audit log."""
    changes = ConfigurationChange.objects.filter(Q(changed_by=user) | Q(operator=user.user_id))
    counts = Counter({"ConfigurationChange": changes.update(changed_by=None, operator="")})
    counts += personal_data.delete_log_entries(User, [user.pk])
    for rows in (App.objects.owned_by(user), ArchivePolicy.objects.filter(user=user)):
        counts += personal_data.delete_log_entries(rows.model, rows.values_list("pk", flat=True))
    return counts


def _drop_categories(category_ids: Collection[uuid.UUID]) -> Counter[str]:
    """Drop categories that a model derived from the user's texts and that nobody else uses."""
    created_before = timezone.now() - MIN_CATEGORY_AGE
    abandoned = Category.objects.abandoned().filter(created_at__lt=created_before)
    with transaction.atomic():
        ids = [*category_ids, *abandoned.values_list("pk", flat=True)]
        unused = Category.objects.unused().filter(pk__in=ids).locked()
        log_entries = personal_data.delete_log_entries(
            Category, unused.values_list("pk", flat=True)
        )
        return log_entries + purge.count_by_model(unused.delete())


def _write_receipt(erasure: Erasure, counts: Counter[str], *, by: User | None, **more: Any) -> None:
    Receipt.objects.create(
        kind=Receipt.Kind.ERASURE,
        act=erasure.act,
        subject=erasure.subject,
        counts=+counts,
        remarks=erasure.remarks,
        made_by=by,
        **more,
    )


def find_jobs(user: User) -> JobQuerySet:
    """The jobs of a user, and those that others started about them."""
    about_user = Q(owner=user) | Q(parameters__user=str(user.pk))
    return Job.objects.filter(about_user).exclude(kind=ERASE.name)
