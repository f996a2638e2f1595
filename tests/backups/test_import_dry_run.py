"""Dry runs of imports."""

import io
import json

import pytest
from django.core.management import call_command

from accounts.models import User
from jobs.models import Job
from jobs.runner import run_due
from memories.models import Category, Memory
from tests.backups.archive_factory import Ours
from tests.backups.imports import all_rows, imported, send
from tests.cast import errors_of

DRY = "?dry_run=true"


def counts(answer):
    return {name: count for name, count in answer.items() if isinstance(count, int)}


@pytest.fixture
def archive(alice):
    """An archive of which Alice has a part: one memory as it is, one that she has changed since."""
    archive = Ours("alice")
    imported(send(alice, archive.zipped()))
    there = archive.memories[0]["id"]
    alice.put(f"/memories/{there}", {"memory_content": "Rex is elsewhere"})
    Memory.objects.filter(pk__in=[memory["id"] for memory in archive.memories[2:]]).delete()
    return archive


@pytest.mark.parametrize("mode", ["skip", "overwrite"])
def test_a_dry_run_tells_what_the_import_does_then_and_changes_nothing(mode, alice, archive):
    before = all_rows()

    preview = imported(send(alice, archive.zipped(), DRY, mode=mode))

    assert all_rows() == before
    assert "Nothing was changed" in preview["message"]
    done = imported(send(alice, archive.zipped(), mode=mode))
    assert counts(preview) == counts(done)
    changed = 1 if mode == "overwrite" else 0
    assert (preview["memories_created"], preview["memories_updated"]) == (2, changed)
    assert preview["memories_unchanged"] == 2 - changed
    assert (preview["apps_created"], preview["apps_unchanged"]) == (0, 1)
    assert (preview["categories_created"], preview["categories_unchanged"]) == (0, 1)


def test_a_dry_run_makes_neither_apps_nor_categories_nor_jobs(alice):
    archive = Ours("alice")
    archive.vectors = {}

    preview = imported(send(alice, archive.zipped(), dry_run="true"))

    assert (preview["memories_created"], preview["apps_created"]) == (4, 1)
    assert (preview["categories_created"], preview["job"]) == (1, None)
    assert not Memory.objects.exists()
    assert not Category.objects.exists()
    assert not Job.objects.exists()


def test_a_dry_run_refuses_what_an_import_refuses(alice):
    archive = Ours("alice")
    archive.memories[2]["state"] = "lost"

    preview, done = (send(alice, archive.zipped(), query) for query in (DRY, ""))

    assert preview.status_code == done.status_code == 400
    assert preview.json()["detail"] == done.json()["detail"]


def test_a_dry_run_can_be_a_job(alice):
    answer = send(alice, Ours("alice").zipped(), DRY, headers={"Prefer": "respond-async"})

    assert answer.status_code == 202
    run_due()
    job = alice.get(answer.headers["Location"].removeprefix("/api/v1")).json()
    assert (job["state"], job["result"]["memories_created"]) == ("succeeded", 4)
    assert not Memory.objects.exists()


def test_what_is_no_dry_run_and_no_import_is_refused(alice):
    for query, form in (
        ("?dry_run=1", {}), (DRY, {"dry_run": "false"}), ("?dry_run=", {}), ("", {"dry_run": ""})
    ):  # fmt: skip
        answer = send(alice, Ours("alice").zipped(), query, **form)
        assert answer.status_code == 400
        assert {place[-1] for place in errors_of(answer)} == {"dry_run"}
    assert not Memory.objects.exists()


def test_the_command_tells_it_even_of_a_user_who_is_not_there(db, tmp_path):
    file, out = tmp_path / "anna.zip", io.StringIO()
    file.write_bytes(Ours("anna").zipped())
    command = ["import_backup", str(file), "--user", "anna", "--create-user", "--dry-run"]

    call_command(*command, stdout=out)
    call_command(*command, "--json", stdout=out)

    sentence, output = out.getvalue().splitlines()
    assert sentence == (
        f"{file}: an import would create 4 memories of anna, 1 app and 1 category, update 0"
        " memories and 0 apps, and leave 0 memories unchanged. This was a dry run."
    )
    assert json.loads(output)["memories_created"] == 4
    assert not User.objects.exists()
