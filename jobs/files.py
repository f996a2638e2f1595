"""The files of jobs: what they work on and what they make, in one folder of a storage a job."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any

from django.core.files import File
from django.core.files.storage import Storage, storages

from openmemory.errors import Conflict, Gone, NotFound

from .models import Job


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
    return storage().save(f"{job.pk}/upload", File(upload))


def keep_download(job: Job, path: Path) -> str:
    """Keep what a job has made: its name in the storage. The file at the path may be gone then."""
    with path.open("rb") as file:
        return storage().save(f"{job.pk}/download", _ToBeMoved(file, name=str(path)))


def open_file(name: str) -> File:
    return storage().open(name)


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


def remove_all(job_id: Any) -> None:
    """Remove every file of a job, those of attempts that were broken off too."""
    folder, files = str(job_id), storage()
    if files.exists(folder):
        for name in files.listdir(folder)[1]:
            files.delete(f"{folder}/{name}")
        files.delete(folder)
