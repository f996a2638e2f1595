from __future__ import annotations

import os
import time
import uuid
from io import BytesIO

import pytest

from jobs import files, retention
from jobs.claim import claim
from jobs.models import Job
from jobs.registry import get_job_type
from jobs.runner import run_due


@pytest.fixture(autouse=True)
def scratch(settings, tmp_path):
    """Where runs have their folders, for one test."""
    settings.STATE_DIR = tmp_path / "state"
    return settings.STATE_DIR / "scratch"


def test_a_job_ends_with_its_files_once_it_was_kept_for_long_enough(
    alice, register, settings, stored
):
    register()
    old = get_job_type("work").enqueue(owner=alice.user, upload=BytesIO(b"an archive"))
    run_due()
    waiting = get_job_type("work").enqueue(owner=alice.user, upload=BytesIO(b"another"))
    retention.delete_jobs()
    assert Job.objects.count() == 2

    settings.JOBS_KEEP_DAYS = 0
    retention.remove_expired()

    assert list(Job.objects.all()) == [waiting]
    assert [folder.name for folder in stored.iterdir()] == [str(waiting.pk)]
    assert not Job.objects.filter(pk=old.pk).exists()


def test_the_file_that_a_job_worked_on_goes_once_the_job_has_ended(alice, register, stored):
    register()
    job = get_job_type("work").enqueue(owner=alice.user, upload=BytesIO(b"an archive"))
    retention.remove_expired()
    assert list(stored.rglob("upload")) != []

    run_due()
    retention.remove_expired()

    assert list(stored.rglob("upload")) == []
    job.refresh_from_db()
    assert job.upload == ""


def test_a_run_leaves_no_folder_and_no_file_of_what_failed(alice, register, scratch, stored):
    def run(job_run):
        path = job_run.folder / "half"
        path.write_text("half")
        job_run.attach(path, "half.txt")
        raise ZeroDivisionError

    register(run)
    get_job_type("work").enqueue(owner=alice.user)

    run_due()

    assert list(scratch.iterdir()) == []
    assert [path for path in stored.rglob("*") if path.is_file()] == []


def test_the_folder_of_a_run_that_was_killed_goes_once_the_job_runs_no_more(
    alice, register, scratch
):
    register()
    job = get_job_type("work").enqueue(owner=alice.user)
    claim("quick")
    folder = files.make_scratch_folder(job)
    other = scratch / "not ours"
    other.mkdir()
    retention.remove_orphaned_files()
    assert folder.is_dir()

    Job.objects.all().delete()
    retention.remove_orphaned_files()

    assert list(scratch.iterdir()) == [other]


def test_files_of_a_job_that_is_no_more_are_removed_after_a_day(stored, db):
    new, old = uuid.uuid4(), uuid.uuid4()
    for pk in (new, old):
        files.store_upload(Job(pk=pk), BytesIO(b"lost"))
    long_ago = time.time() - 2 * 86_400
    os.utime(stored / str(old) / "upload", (long_ago, long_ago))

    retention.remove_orphaned_files()

    assert [folder.name for folder in stored.iterdir()] == [str(new)]


def test_the_upload_of_a_request_that_was_killed_goes_after_a_day(scratch, db):
    scratch.mkdir(parents=True)
    new, old = scratch / "new", scratch / "old"
    for file in (new, old):
        file.touch()
    long_ago = time.time() - 2 * 86_400
    os.utime(old, (long_ago, long_ago))

    retention.remove_orphaned_files()

    assert list(scratch.iterdir()) == [new]
