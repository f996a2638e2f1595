"""Write archives to files atomically: a file has its name only once it is complete on the disk."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from django.utils import timezone

from accounts.models import User
from core.errors import Conflict
from core.progress import Progress, ignore_progress

from .archive.manifest import Manifest
from .export import export
from .export_queries import ExportFilters
from .markdown_export import export_markdown

# memories_alice_0b7290a4-…_20260131T063000Z.zip: the id identifies the user, as it never changes.
_STAMP = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(r"memories_.*_(?P<user>[0-9a-f-]{36})_(?P<stamp>\d{8}T\d{6}Z)\.zip")
_DRAFT = ".memories-"
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


class UnwritablePath(Conflict):
    """No file can be written to this path."""

    code = "file_misplaced"


class FileExists(Conflict):
    """A file of this name exists already."""

    code = "file_exists"

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} exists already. Name another file, or replace it with --force.")


def write_archive_file(
    user: User,
    path: Path,
    *,
    filters: ExportFilters | None = None,
    progress: Progress = ignore_progress,
    replace: bool = False,
) -> Manifest:
    """Write the archive of a user to a file.

    Raises UnwritablePath, and FileExists unless it may be replaced.
    """
    with _atomic_file(path, replace=replace) as target:
        return export(user, target, filters=filters or ExportFilters(), progress=progress)


def write_markdown_file(
    user: User, path: Path, *, progress: Progress = ignore_progress, replace: bool = False
) -> int:
    """Write the memories of a user as Markdown. Returns how many. Raises as the above does."""
    with _atomic_file(path, replace=replace) as target:
        return export_markdown(user, target, filters=ExportFilters(), progress=progress)


@contextmanager
def _atomic_file(path: Path, *, replace: bool) -> Iterator[IO[bytes]]:
    if path.is_dir():
        raise UnwritablePath(f"{path} is a folder. Name a file in it.")
    if not path.parent.is_dir():
        raise UnwritablePath(f"There is no folder {path.parent}. Create it, or name another one.")
    if path.exists() and not replace:
        raise FileExists(path)
    draft, handle = _create_draft(path.parent)
    try:
        with os.fdopen(handle, "w+b") as target:
            yield target
            target.flush()
            os.fsync(target.fileno())
        if path.exists() and not replace:
            raise FileExists(path)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _create_draft(folder: Path) -> tuple[Path, int]:
    """In the same folder, so that it can be renamed. Only its owner may read it."""
    try:
        handle, name = tempfile.mkstemp(dir=folder, prefix=_DRAFT, suffix=".part")
    except OSError as error:
        detail = f"The folder {folder} cannot be written to: {error.strerror}."
        raise UnwritablePath(detail) from error
    return Path(name), handle


def _sync_folder(folder: Path) -> None:
    """Flush the name to the disk. Windows does so by itself, and cannot open folders."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def back_up_user(
    user: User, folder: Path, *, keep: int | None = None, progress: Progress = ignore_progress
) -> Path:
    """Write the archive of a user to a folder, and keep only the newest `keep` of that user."""
    safe_name = _UNSAFE.sub("_", user.user_id)[:60]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _remove_drafts(folder)
    path = folder / f"memories_{safe_name}_{user.pk}_{timezone.now():{_STAMP}}.zip"
    write_archive_file(user, path, progress=progress, replace=True)
    if keep is not None:
        for expired in list_backups(user, folder)[keep:]:
            expired.unlink(missing_ok=True)
    return path


def _remove_drafts(folder: Path) -> None:
    """Remove the drafts of killed processes. No archive takes a day to write."""
    for draft in folder.glob(f"{_DRAFT}*.part"):
        with suppress(FileNotFoundError):  # it was renamed meanwhile
            if time.time() - draft.stat().st_mtime > 24 * 3600:
                draft.unlink()


def find_latest_backups(folder: Path) -> dict[str, datetime]:
    """The time of each user's newest backup in a folder, by the user's id."""
    return {pk: _backup_time(paths[0]) for pk, paths in list_all_backups(folder).items()}


def list_backups(user: User, folder: Path) -> list[Path]:
    """The backups of a user in a folder, newest first."""
    return list_all_backups(folder).get(str(user.pk), [])


def list_all_backups(folder: Path) -> dict[str, list[Path]]:
    """The backups in a folder by the user's id, newest first."""
    backups: dict[str, list[Path]] = {}
    for path in folder.glob("memories_*.zip"):
        match = _NAME.fullmatch(path.name)
        if match:
            backups.setdefault(match["user"], []).append(path)
    return {pk: sorted(paths, key=_backup_time, reverse=True) for pk, paths in backups.items()}


def _backup_time(path: Path) -> datetime:
    match = _NAME.fullmatch(path.name)
    assert match is not None  # noqa: S101 - it was found by this pattern
    return datetime.strptime(match["stamp"], _STAMP).replace(tzinfo=UTC)
