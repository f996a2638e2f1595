"""Say what an import would do, and do nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from django.db import transaction

from accounts.models import User
from backups.progress import Progress, ignore_progress

from .import_archive import Result, import_archive
from .merge import Mode


def dry_run_import(
    file: IO[bytes], *, user: User, mode: Mode, by: User, progress: Progress = ignore_progress
) -> Result:
    """Count what `import_archive` would make, change and leave, as it would, and change nothing.

    Raises what it would raise: BadArchive and ArchiveTooLarge say what is refused, and where.
    """
    result = import_archive(
        file, user=user, mode=mode, by=by, progress=progress, finishing=_roll_back
    )
    message = f'Nothing was changed: this is what an import into user "{user.user_id}" would do'
    return {**result, "message": message, "job": None}


@contextmanager
def _roll_back() -> Iterator[Result]:
    with transaction.atomic():
        yield {}
        transaction.set_rollback(True)
