"""The files of jobs: what they work on and what they make, in one folder of a storage a job."""

from __future__ import annotations

import math
import tempfile
import uuid
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.files import File
from django.core.files.storage import Storage, storages
from django.utils import timezone

from core.errors import Conflict, Gone, NotFound

from .models import Job

# A file is put down before its job is, in a transaction that may take a while to be committed, and
# an upload before anybody knows of a job.
UNOWNED = timedelta(days=1)


class JobUnfinished(Conflict):
    """This job has not ended yet: ask again later."""

    code = "job_unfinished"


class NothingToDownload(NotFound):
    """This job has made no file."""

    code = "download_not_found"


class DownloadGone(Gone):
    """The file of this job was removed, as it was kept for long enough."""

    code = "download_gone"


class _ToBeMoved(File):
    """A file that a storage in the same file system takes as it is, in place of a copy."""

    def temporary_file_path(self) -> str:
        return str(self.name)


def storage() -> Storage:
    return storages["jobs"]


def keep_upload(job: Job, upload: IO[bytes]) -> str:
    """Keep a file for a job to work on: its name in the storage."""
    # One that Django knows may be moved in place of being copied.
    file = upload if isinstance(upload, File) else File(upload)
    return storage().save(f"{job.pk}/upload", file)


def keep_download(job: Job, path: Path) -> str:
    """Keep what a job has made: its name in the storage. The file at the path may be gone then."""
    with path.open("rb") as file:
        return storage().save(f"{job.pk}/download", _ToBeMoved(file, name=str(path)))


def open_file(name: str) -> File:
    return storage().open(name)


def exists(name: str) -> bool:
    return storage().exists(name)


def open_download(job: Job) -> File:
    """Raises JobUnfinished, NothingToDownload or DownloadGone."""
    if not job.is_finished:
        raise JobUnfinished
    if not job.download_name:
        raise NothingToDownload
    if not job.download:
        raise DownloadGone
    try:
        return open_file(job.download)
    except FileNotFoundError:  # removed since the job was read
        raise DownloadGone from None


def remove(name: str) -> None:
    storage().delete(name)


def remove_all(pk: uuid.UUID) -> None:
    """Remove every file of a job, those of attempts that were broken off too."""
    for name in _names(pk):
        storage().delete(name)
    storage().delete(str(pk))


def put_down_long_ago() -> set[uuid.UUID]:
    """Of which jobs there are files, and old ones only."""
    long_ago = timezone.now() - UNOWNED
    folders, _ = storage().listdir("") if storage().exists("") else ([], [])
    return {pk for pk in _ids(folders) if all(_time(name) < long_ago for name in _names(pk))}


def make_scratch_folder(job: Job) -> Path:
    """Make a folder for one run of a job, on this machine."""
    scratch = _scratch()
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=f"{job.pk}-", dir=scratch))


def scratch_folders() -> dict[Path, uuid.UUID]:
    """The folders of runs on this machine, each with its job."""
    folders = list(_scratch().iterdir()) if _scratch().is_dir() else []
    return {folder: pk for folder in folders for pk in _ids([folder.name[:36]])}


def left_long_ago() -> list[Path]:
    """The files, beside those folders, of requests whose process was killed."""
    long_ago = (timezone.now() - UNOWNED).timestamp()
    there = list(_scratch().iterdir()) if _scratch().is_dir() else []
    return [path for path in there if path.is_file() and _written(path) < long_ago]


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # its request has just ended
        return math.inf


def _scratch() -> Path:
    return Path(settings.STATE_DIR) / "scratch"


def _names(pk: uuid.UUID) -> list[str]:
    """The files of a job, by their names in the storage."""
    folder = str(pk)
    names = storage().listdir(folder)[1] if storage().exists(folder) else []
    return [f"{folder}/{name}" for name in names]


def _time(name: str) -> datetime:
    return storage().get_modified_time(name)


def _ids(names: list[str]) -> list[uuid.UUID]:
    """Those of the names that are ids."""
    ids = []
    for name in names:
        with suppress(ValueError):
            ids.append(uuid.UUID(name))
    return ids
