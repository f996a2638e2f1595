"""The uploads and downloads of jobs, in a folder for each job, and the scratch folders of runs."""

from __future__ import annotations

import math
import shutil
import tempfile
import uuid
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.files import File
from django.core.files.storage import Storage, storages
from django.utils import timezone

from core.errors import Conflict, Gone, NotFound

from .models import Job

# A file without a job is orphaned only at this age: it is stored before the transaction that
# inserts its job commits, and an upload before the job exists at all.
ORPHAN_AGE = timedelta(days=1)


class JobUnfinished(Conflict):
    """This job has not finished yet: try again later."""

    code = "job_unfinished"


class DownloadNotFound(NotFound):
    """This job has no file to download."""

    code = "download_not_found"


class DownloadGone(Gone):
    """The file of this job has expired and was removed."""

    code = "download_gone"


class _MovableFile(File):
    """A file that a storage on the same file system moves instead of copying it."""

    def temporary_file_path(self) -> str:
        return str(self.name)


def storage() -> Storage:
    return storages["jobs"]


def store_upload(job: Job, upload: IO[bytes]) -> str:
    """Store the file that a job is to process, and return its name in the storage."""
    return _store(f"{job.pk}/upload", File(upload))


def store_download(job: Job, path: Path) -> str:
    """Store the file that a job made, and return its name in the storage. It may move the file."""
    with path.open("rb") as file:
        return _store(f"{job.pk}/download", _MovableFile(file, name=str(path)))


def _store(name: str, file: File) -> str:
    """Store a file, all of it or nothing: a full disk must not keep what was written."""
    path = storage().get_available_name(name)
    try:
        return storage().save(path, file)
    except BaseException:
        storage().delete(path)
        raise


def open_file(name: str) -> File:
    return storage().open(name)


def exists(name: str) -> bool:
    return storage().exists(name)


def open_download(job: Job) -> File:
    """Raises JobUnfinished, DownloadNotFound or DownloadGone."""
    if not job.is_finished:
        raise JobUnfinished
    if not job.download_name:
        raise DownloadNotFound
    if not job.download:
        raise DownloadGone
    try:
        return open_file(job.download)
    except FileNotFoundError:  # removed since the job was read
        raise DownloadGone from None


def remove(name: str) -> None:
    storage().delete(name)


def remove_all(pk: uuid.UUID) -> None:
    """Remove every file of a job, including those of interrupted attempts."""
    for name in _list_files(pk):
        storage().delete(name)
    storage().delete(str(pk))


def ids_with_old_files() -> set[uuid.UUID]:
    """The ids of the jobs, existing or not, all of whose files are old enough to be orphans."""
    latest = timezone.now() - ORPHAN_AGE
    folders, _ = storage().listdir("") if storage().exists("") else ([], [])
    modified_at = storage().get_modified_time
    return {
        pk
        for pk in _parse_ids(folders)
        if all(modified_at(name) < latest for name in _list_files(pk))
    }


def make_scratch_folder(job: Job) -> Path:
    """Make a folder for one run of a job, on this machine.

    Those of its earlier runs are removed: their processes were killed, or have lost their leases.
    """
    parent = _scratch_root()
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in parent.glob(f"{job.pk}-*"):
        shutil.rmtree(folder, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{job.pk}-", dir=parent))


def scratch_folders() -> dict[Path, uuid.UUID]:
    """The scratch folders on this machine, each with the id of its job."""
    return {folder: pk for folder in _list_scratch() for pk in _parse_ids([folder.name[:36]])}


def old_scratch_files() -> list[Path]:
    """The files beside those folders, left by requests whose process was killed."""
    latest = (timezone.now() - ORPHAN_AGE).timestamp()
    return [path for path in _list_scratch() if path.is_file() and _mtime(path) < latest]


def _mtime(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # its request has just ended
        return math.inf


def _scratch_root() -> Path:
    return Path(settings.STATE_DIR) / "scratch"


def _list_scratch() -> list[Path]:
    return list(_scratch_root().iterdir()) if _scratch_root().is_dir() else []


def _list_files(pk: uuid.UUID) -> list[str]:
    """The files of a job, by their names in the storage."""
    folder = str(pk)
    names = storage().listdir(folder)[1] if storage().exists(folder) else []
    return [f"{folder}/{name}" for name in names]


def _parse_ids(names: list[str]) -> list[uuid.UUID]:
    """The ids among the names."""
    ids = []
    for name in names:
        with suppress(ValueError):
            ids.append(uuid.UUID(name))
    return ids
