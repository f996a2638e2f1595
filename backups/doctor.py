"""Whether everybody is backed up, where that was asked for."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from accounts.models import User
from core.checks import Findings, check, error, format_list, ok, warning
from memories.models import Memory

from . import files

# How old what is remembered has to be for it to be missed.
WORTH_KEEPING = timedelta(days=7)


@check("backups.age")
def check_age() -> Findings:
    folder = settings.BACKUP_FOLDER
    if folder is None:
        yield from _check_unscheduled()
        return
    if not _is_writable(folder):
        yield error(f"Nothing can be written to {folder}.", "Let the server's user write there")
        return
    made = files.find_latest_backups(folder) if folder.exists() else {}
    # A backup that is under way, or failed and is tried again, is no news yet.
    oldest = timezone.now() - timedelta(hours=2 * settings.BACKUP_EVERY_HOURS + 1)
    users = User.objects.filter(created_at__lt=oldest).order_by("user_id")
    late = [
        user.user_id
        for user in users.iterator()
        if (last := made.get(str(user.pk))) is None or last < oldest
    ]
    if late:
        yield error(
            f"{len(late)} users have no backup that is new enough: {format_list(late)}.",
            f"See why their jobs of kind backup fail, or run: manage.py backup_all {folder}",
        )
    else:
        yield ok(f"Everybody has a backup that is new enough in {folder}.")


def _is_writable(folder: Path) -> bool:
    """Whether archives can be put there. What is missing of the path is made with the first."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def _check_unscheduled() -> Findings:
    long_ago = timezone.now() - WORTH_KEEPING
    # Any will do: the first that is found, by no order.
    if Memory.objects.filter(updated_at__lt=long_ago).order_by().exists():
        yield warning(
            "Nobody is backed up from time to time.",
            "Set OPENMEMORY_BACKUP_FOLDER to a folder on another disk",
        )
    else:
        yield ok("There is nothing yet that is old enough to be backed up.")
