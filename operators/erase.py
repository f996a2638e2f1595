"""Erase a user and their end users: everything about them, in every table, file and queue.

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
from django.db.models import Q
from django.utils import timezone
from psycopg.errors import LockNotAvailable

from accounts.models import ApiKey, User
from apps_registry.models import App
from configuration.models import ConfigurationChange
from core import sql
from core.errors import Conflict
from jobs.deletion import JobStillRunning, delete_jobs
from jobs.models import Job
from jobs.registry import JobType
from memories.access import log
from memories.lifecycle import archive, purge
from memories.models import (
    ArchivePolicy,
    Categorization,
    Category,
    LogLine,
    Memory,
)
from memories.vectors import migration, user_index

from . import personal_data, physical_erasure
from .belongings import ERASE_NAME, end_user_groups, find_exports, find_jobs
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
    ERASE_NAME,
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


def enqueue_erasure(user: User, *, by: User, scrub: bool = False) -> Job:
    """Deactivate the account, and erase the user in a background job."""
    with transaction.atomic():
        _deactivate_accounts([user])
        parameters = {"user": str(user.pk), "by": str(by.pk), "scrub": scrub}
        return ERASE.enqueue(owner=None, parameters=parameters, queueing_lock=str(user.pk))


def erase_user(
    user: User, *, by: User | None, scrub: bool = False, report: ReportStep = lambda step: None
) -> Erasure:
    """Erase a user, and before that their end users. Not in a transaction.

    `by` is None for the command line. `scrub` rewrites the tables, which cannot be read meanwhile:
    see `physical_erasure`. Raises JobStillRunning, ErasureBlocked and IndexingUnderway. The account
    is deactivated by then, and a retry completes the erasure.
    """
    by = None if by == user else by
    erasure = Erasure(
        uuid.uuid4(), fingerprint(user.path), remarks=personal_data.describe_unreachable_data(user)
    )
    personal_data.remove_key_file(user)
    while True:
        report("deactivating the account")
        with transaction.atomic():
            erasure.counts += _deactivate_accounts([user])
        for end_users in end_user_groups(user):
            _erase_group(end_users, by, erasure, report)
        if _erase_group([user], by, erasure, report):
            break
    erasure.remarks += personal_data.remove_dumps()
    erasure.remarks += physical_erasure.erase_physically(rewrite=scrub, report=report)
    return erasure


def _erase_group(users: list[User], by: User | None, erasure: Erasure, report: ReportStep) -> bool:
    """Erase some users at once. False if a new job or a new end user of theirs must go first."""
    category_ids = Categorization.objects.filter(user__in=users).values_list("category", flat=True)
    categories = set(category_ids.distinct())
    with transaction.atomic():
        erasure.counts += _deactivate_accounts(users)
    erasure.counts["Job"] += delete_jobs(find_jobs(users), timeout=WAIT_SECONDS)
    report("removing memories")
    _remove_memories(users, by, erasure)
    erasure.counts += _drop_categories(categories)
    report("removing indexes and files")
    personal_data.end_streams(users)
    user_index.drop_indexes(users)
    erasure.counts["backups"] += personal_data.remove_backups(users)
    for user in users:
        if user.owner_id is None:  # an end user never signs in
            log.anonymize_operator(user)
    report("removing the user")
    return _remove_rest(users, by, erasure)


def _deactivate_accounts(users: list[User]) -> Counter[str]:
    """Deactivate users and delete their keys and sessions, in the caller's transaction."""
    active = User.objects.filter(pk__in=[user.pk for user in users])
    active.update(is_active=False, updated_at=timezone.now())
    keys = ApiKey.objects.filter(user__in=users)
    log_entries = personal_data.delete_log_entries(ApiKey, keys.values_list("pk", flat=True))
    key_count, _ = keys.delete()
    sessions = personal_data.end_sessions([user for user in users if user.owner_id is None])
    # Jobs for all users continue, even if this operator started them.
    Job.objects.filter(owner__in=users, kind__in=SHARED_JOB_TYPES).update(owner=None)
    return log_entries + Counter({"ApiKey": key_count, "sessions": sessions})


def _remove_memories(users: list[User], by: User | None, erasure: Erasure) -> None:
    memories = Memory.objects.filter(user__in=users).order_by("pk").values_list("pk", flat=True)
    while ids := list(memories[:BATCH_SIZE]):
        with transaction.atomic():
            # Lines are counted per user: those of several would not be told apart.
            lines = LogLine.objects.sequences_about(ids) if len(users) == 1 else []
            counts = _remove(ids)
            _write_receipt(erasure, counts, by=by, memories=ids, log_lines=lines)
        erasure.counts += counts


def _remove(ids: Collection[uuid.UUID]) -> Counter[str]:
    sql.execute("SELECT set_config('openmemory.erasing', 'on', true)")  # for the log
    purge.lock_readers(list(ids))
    locked = Memory.objects.filter(pk__in=ids).locked()
    locked_ids = list(locked.values_list("pk", flat=True))
    return purge.purge(locked_ids) + personal_data.delete_log_entries(Memory, locked_ids)


def _remove_rest(users: list[User], by: User | None, erasure: Erasure) -> bool:
    """Remove the remaining rows, the users last. False if something new must go first."""
    with transaction.atomic():
        _lock_users(users)
        if find_jobs(users).exists() or User.objects.filter(owner__in=users).exists():
            return False
        remaining = Memory.objects.filter(user__in=users)
        counts = _remove(list(remaining.values_list("pk", flat=True)))
        counts += _anonymize_changes(users)
        counts += purge.count_by_model(find_exports(users).delete())
        locked = User.objects.filter(pk__in=[user.pk for user in users])
        counts += purge.count_by_model(locked.delete())
        erasure.counts += counts
        _write_receipt(erasure, erasure.counts, by=by)
    return True


def _lock_users(users: list[User]) -> None:
    """Wait for transactions that write data of the users, and block new ones.

    Raises ErasureBlocked.
    """
    sql.execute(f"SET LOCAL lock_timeout TO '{WAIT_SECONDS}s'")
    rows = User.objects.filter(pk__in=[user.pk for user in users]).order_by("pk")
    try:
        list(rows.select_for_update().values_list("pk", flat=True))
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            raise ErasureBlocked from error
        raise


def _anonymize_changes(users: list[User]) -> Counter[str]:
    """Remove the users' names from configuration changes and from the audit log."""
    names = [user.user_id for user in users]
    changes = ConfigurationChange.objects.filter(Q(changed_by__in=users) | Q(operator__in=names))
    counts = Counter({"ConfigurationChange": changes.update(changed_by=None, operator="")})
    counts += personal_data.delete_log_entries(User, [user.pk for user in users])
    owned = (App.objects.filter(owner__in=users), ArchivePolicy.objects.filter(user__in=users))
    for rows in owned:
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
