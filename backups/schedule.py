"""Back up all users, at once or on schedule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from accounts.models import User
from core.errors import OpenMemoryError
from core.progress import Progress
from jobs.models import Job
from jobs.registry import JobType

from .files import back_up_user, find_latest_backups

log = structlog.get_logger(__name__)

BACKUP = JobType("backup", queue="long", retries_on=(OSError,))

# The pause after a failed backup.
PAUSE_AFTER_FAILURE = timedelta(hours=1)


@dataclass(frozen=True)
class BackupOutcome:
    """The result of one user's backup: a file, or an error."""

    user_id: str
    file: str | None = None
    error: str | None = None


def back_up_all_users(
    folder: Path,
    *,
    keep: int | None,
    progress_for: Callable[[User], AbstractContextManager[Progress]],
) -> Iterator[BackupOutcome]:
    """Back up each user to a folder. A failure does not stop the backups of others."""
    for user in User.objects.order_by("user_id"):
        try:
            with progress_for(user) as progress:
                path = back_up_user(user, folder, keep=keep, progress=progress)
        except (OpenMemoryError, OSError, DatabaseError) as error:
            log.error("a backup failed", user_id=user.user_id, exc_info=error)
            yield BackupOutcome(user.user_id, error=str(error))
        else:
            yield BackupOutcome(user.user_id, file=path.name)


def enqueue_due_backups() -> int:
    """Enqueue a backup of each user whose newest one is too old. Returns how many.

    The times are those in the names of the files, and so survive any restart.
    """
    folder = settings.BACKUP_FOLDER
    if folder is None:
        return 0
    now = timezone.now()
    backups = find_latest_backups(folder)
    oldest = now - timedelta(hours=settings.BACKUP_EVERY_HOURS)
    failed = Job.objects.filter(kind=BACKUP.name, finished_at__gt=now - PAUSE_AFTER_FAILURE)
    queued = 0
    for user in User.objects.exclude(pk__in=failed.values("owner")).iterator():
        last = backups.get(str(user.pk))
        if last is None or last <= oldest:
            _enqueue_backup(user, folder)
            queued += 1
    return queued


def enqueue_all_backups() -> int:
    """Enqueue a backup of each user, however new the last one is. Returns how many."""
    folder = settings.BACKUP_FOLDER
    if folder is None:
        return 0
    queued = 0
    for user in User.objects.iterator():
        _enqueue_backup(user, folder)
        queued += 1
    return queued


def _enqueue_backup(user: User, folder: Path) -> None:
    BACKUP.enqueue(owner=user, parameters={"folder": str(folder)}, queueing_lock=str(user.pk))
