"""Check that all users are backed up, where backups are scheduled."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from accounts.models import User
from core.checks import Findings, check, error, format_list, ok, warning
from core.quantities import with_noun
from memories.models import Memory

from .files import find_latest_backups

# Memories of this age are worth a backup.
WORTH_KEEPING = timedelta(days=7)


@check("backups.age")
def check_age() -> Findings:
    folder = settings.BACKUP_FOLDER
    if folder is None:
        yield from _check_unscheduled()
        return
    if not _is_writable(folder):
        yield error(f"The server cannot write to {folder}.", "Give the server's user write access")
        return
    backups = find_latest_backups(folder) if folder.exists() else {}
    # Time for a backup that is running, or that failed and is retried.
    oldest = timezone.now() - timedelta(hours=2 * settings.BACKUP_EVERY_HOURS + 1)
    users = User.objects.filter(created_at__lt=oldest).order_by("user_id")
    names = [
        user.user_id
        for user in users.iterator()
        if (last := backups.get(str(user.pk))) is None or last < oldest
    ]
    if names:
        yield error(
            f"{with_noun(len(names), 'user has', 'users have')} no recent backup: "
            f"{format_list(names)}.",
            f"See why their backup jobs fail, or run: manage.py backup_all {folder}",
        )
    else:
        yield ok(f"All users have a recent backup in {folder}.")


def _is_writable(folder: Path) -> bool:
    """Whether archives can be written there. The first one creates missing folders."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    return existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)


def _check_unscheduled() -> Findings:
    long_ago = timezone.now() - WORTH_KEEPING
    # Without an order, any such memory ends the search.
    if Memory.objects.filter(updated_at__lt=long_ago).order_by().exists():
        yield warning(
            "Scheduled backups are off.",
            "Set OPENMEMORY_BACKUP_FOLDER to a folder on another disk to turn them on",
        )
    else:
        yield ok("Scheduled backups are off, and no memory is old enough to need one.")
