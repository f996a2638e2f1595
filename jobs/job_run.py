"""One run of a job, as the function of its type sees it."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.files import File
from django.db import transaction
from django.utils.functional import cached_property

from accounts.models import User
from core.compiled_query import CompiledQuery
from core.sql import execute, uuid_array

from . import files
from .lease import Lease
from .models import Job
from .models.job import JobQuerySet

Parameters = dict[str, Any]
Merge = Callable[[Sequence[Parameters]], Parameters]


class JobRun:
    """Gives a job its parameters and files, and takes its progress, effects and result.

    `progress`, `step` and `finishing` raise when the run has to end: the job was cancelled, the
    run exceeded its time limit, the worker is stopping, or the lease was lost.
    """

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
        assert self.job.owner is not None  # noqa: S101 - jobs of this type always have an owner
        return self.job.owner

    def progress(self, done: int, total: int | None = None) -> None:
        """Report the progress. It is cheap: call it often. It is written once a second."""
        self._lease.done = done
        self._lease.total = self._lease.total if total is None else total
        self._lease.check()

    @contextmanager
    def step(self) -> Iterator[None]:
        """Apply a part of the effects, which another run may repeat, in one transaction."""
        self._lease.check()
        with transaction.atomic():
            yield
            self._lease.confirm()

    def absorb_due(self, merge: Merge, *, limit: int) -> None:
        """Take over the due jobs of the same type and owner, this many at most.

        They are gone then, and this job has the parameters that `merge` makes of those of all.
        """
        with transaction.atomic():
            others: list[Job] = _due_alike.fetch_slice(
                slice(0, limit), kind=self.job.kind, owner=self.owner.pk
            )
            if others:
                self.job.parameters = merge([job.parameters for job in (self.job, *others)])
                self._lease.rewrite(self.job.parameters)
                ids = [job.pk for job in others]
                execute("DELETE FROM jobs_job WHERE id = ANY(%s::uuid[])", [uuid_array(ids)])

    @contextmanager
    def finishing(self) -> Iterator[dict[str, Any]]:
        """Apply the effects and mark the job as succeeded in one transaction: exactly once.

        The dict that it yields becomes the job's result.
        """
        self._lease.check_not_cancelled()
        result: dict[str, Any] = {}
        with transaction.atomic():
            yield result
            # Last, so that requests for the job do not wait for the effects.
            self._lease.succeed(result, **self._download)
        self.finished = True

    def attach(self, path: Path, name: str) -> None:
        """Make a file the job's download, under this name, once the job succeeds."""
        self._discard_download()
        self._download = {"download": files.store_download(self.job, path), "download_name": name}

    @property
    def upload(self) -> File:
        """The file that the job was enqueued with. The caller closes it."""
        return files.open_file(self.job.upload)

    @cached_property
    def folder(self) -> Path:
        """A scratch folder for this run, removed when it ends."""
        self._folder = files.make_scratch_folder(self.job)
        return self._folder

    def close(self) -> None:
        """Remove the scratch folder, and the download unless the job succeeded."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        if not self.finished:
            self._discard_download()

    def _discard_download(self) -> None:
        if self._download:
            files.remove(self._download["download"])
            self._download = {}


def _build_due_alike(*, kind: str, owner: uuid.UUID) -> JobQuerySet:
    # Not those that another worker claims or takes over at this moment.
    due = Job.objects.due([kind]).filter(owner=owner, queueing_lock="")
    return due.select_for_update(skip_locked=True)


_due_alike = CompiledQuery(_build_due_alike, kind="any kind", owner=uuid.UUID(int=1))
