"""Import an archive as a dry run: count what would change, and change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from django.db import transaction

from accounts.models import User
from core.progress import Progress, ignore_progress

from .import_archive import Result, import_archive
from .merge import Mode


def dry_run_import(
    file: IO[bytes], *, user: User, mode: Mode, by: User, progress: Progress = ignore_progress
) -> Result:
    """Run `import_archive`, roll back its transaction, and return the counts.

    Raises what `import_archive` raises.
    """
    result = import_archive(
        file, user=user, mode=mode, by=by, progress=progress, finishing=_roll_back
    )
    message = f'Dry run of an import into user "{user.named_id}". Nothing was changed.'
    return {**result, "message": message, "job": None}


@contextmanager
def _roll_back() -> Iterator[Result]:
    with transaction.atomic():
        yield {}
        transaction.set_rollback(True)
