"""What a job's function is given: its parameters, and how to tell and to do what it does."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from django.core.files import File
from django.db import transaction

from accounts.models import User

from . import files
from .lease import Lease
from .models import Job


class JobRun:
    """One run of a job. `progress`, `step` and `finishing` end it, by raising, once it is over."""

    def __init__(self, job: Job, lease: Lease) -> None:
        self.job = job
        self.finished = False
        self._lease = lease
        self._download: dict[str, str] = {}
        self._folder: Path | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        return dict(self.job.parameters)

    @property
    def owner(self) -> User:
        assert self.job.owner is not None  # noqa: S101 - jobs of this kind are always somebody's
        return self.job.owner

    def progress(self, done: int, total: int | None = None) -> None:
        """Tell how far it is. Call it often: it is written once a second, and costs nothing."""
        self._lease.done = done
        self._lease.total = self._lease.total if total is None else total
        self._lease.check()

    @contextmanager
    def step(self) -> Iterator[None]:
        """Do a part of the effects, which another run may do again, in one transaction."""
        self._lease.check()
        with transaction.atomic():
            yield
            self._lease.confirm()

    @contextmanager
    def finishing(self) -> Iterator[dict[str, Any]]:
        """Do the effects in one transaction, with which the job succeeds: once, or not at all.

        What is put into the dict is the job's result.
        """
        self._lease.check_wanted()
        result: dict[str, Any] = {}
        with transaction.atomic():
            yield result
            # Last, so that nobody who asks for the job meanwhile waits for what is done here.
            self._lease.succeed(result, **self._download)
        self.finished = True

    def attach(self, path: Path, name: str) -> None:
        """Keep a file as the job's download, under this name, once the job succeeds."""
        self.discard()
        self._download = {"download": files.keep_download(self.job, path), "download_name": name}

    @property
    def upload(self) -> File:
        """The file that the job was queued with, opened; to be closed."""
        return files.open_file(self.job.upload)

    @cached_property
    def folder(self) -> Path:
        """A folder for this run alone, gone after it."""
        self._folder = files.make_scratch_folder(self.job)
        return self._folder

    def discard(self) -> None:
        """Remove what was attached."""
        if self._download:
            files.remove(self._download["download"])
            self._download = {}

    def close(self) -> None:
        """Leave nothing behind but what belongs to a job that succeeded."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        if not self.finished:
            self.discard()
