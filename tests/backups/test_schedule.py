"""Scheduled backups of all users."""

import zipfile
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from backups.schedule import enqueue_due_backups
from jobs.models import Job
from jobs.runner import run_due
from tests.backups.archives import entities
from tests.memories.stock import stock

# An export reads by a connection of its own, which sees only what is committed.
pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@pytest.fixture
def folder(settings, tmp_path):
    settings.BACKUP_FOLDER = tmp_path / "backups"
    settings.BACKUP_EVERY_HOURS = 6
    settings.BACKUP_KEEP = 2
    return settings.BACKUP_FOLDER


def later(monkeypatch, **time):
    now = timezone.now() + timedelta(**time)
    monkeypatch.setattr(timezone, "now", lambda: now)


def archives(folder):
    return sorted(folder.glob("*.zip"))


def test_everybody_is_backed_up_when_it_is_due_and_only_then(alice, bob, folder, monkeypatch):
    stock(alice.user, ["Tea"])

    # Two that ask at once do no harm.
    assert (enqueue_due_backups(), enqueue_due_backups()) == (2, 2)
    assert run_due() == 2
    assert enqueue_due_backups() == 0
    files = archives(folder)
    assert {entities(zipfile.ZipFile(file))["user"]["user_id"] for file in files} == {
        "alice",
        "bob",
    }

    later(monkeypatch, hours=5)
    assert enqueue_due_backups() == 0
    later(monkeypatch, hours=2)
    assert enqueue_due_backups() == 2
    assert {job["kind"] for job in alice.get("/jobs").json()["items"]} == {"backup"}


def test_a_backup_that_somebody_made_counts(alice, folder):
    call_command("backup_all", str(folder), stdout=StringIO())

    assert enqueue_due_backups() == 0


def test_one_that_failed_is_left_alone_for_a_while(alice, folder, monkeypatch):
    folder.write_text("This is no folder.")
    enqueue_due_backups()
    for _ in range(5):
        Job.objects.update(run_after=timezone.now())
        run_due()
    assert alice.get("/jobs").json()["items"][0]["state"] == "failed"

    assert enqueue_due_backups() == 0
    later(monkeypatch, hours=2)
    assert enqueue_due_backups() == 1


def test_without_a_folder_nothing_is_due(alice, settings):
    settings.BACKUP_FOLDER = None

    assert enqueue_due_backups() == 0
