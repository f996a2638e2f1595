"""Imports over the API: of whose data, in which mode, and as jobs."""

import pytest

from jobs.runner import run_due
from memories.models import Memory
from tests.backups.archive_factory import Original
from tests.backups.imports import imported, send
from tests.cast import errors_of


def test_an_operator_imports_into_anybody(olga, alice):
    imported(send(olga, Original("somebody").zipped(), user_id="alice"))

    assert Memory.objects.owned_by(alice.user).count() == 4
    answer = send(olga, Original().zipped(), user_id="nobody")
    assert (answer.status_code, answer.json()["code"]) == (404, "user_not_found")


@pytest.mark.parametrize(
    ("query", "form"),
    [("?mode=merge", {}), ("", {"mode": "merge"}), ("?mode=skip", {"mode": "overwrite"})],
)
def test_a_mode_that_is_unclear_is_refused(query, form, alice):
    answer = send(alice, Original("alice").zipped(), query, **form)

    assert answer.status_code == 400
    assert {place[-1] for place in errors_of(answer)} == {"mode"}


def test_without_a_file_there_is_nothing_to_import(alice):
    answer = alice.post("/backup/import", {"user_id": "alice"})
    assert answer.status_code == 415

    answer = send(alice, b"")
    assert answer.status_code == 400
    assert errors_of(answer) == {("body", "file")}


def test_who_prefers_not_to_wait_is_told_which_job_it_is(alice):
    headers = {"Prefer": "respond-async"}

    answer = send(alice, Original("alice").zipped(), headers=headers)

    assert answer.status_code == 202
    assert answer.json()["kind"] == "import"
    assert Memory.objects.count() == 0
    run_due()
    job = alice.get(answer.headers["Location"].removeprefix("/api/v1")).json()
    assert job["state"] == "succeeded"
    assert job["result"]["memories_created"] == 4
    assert job["result"]["message"] == 'Import completed into user "alice"'


def test_a_job_fails_with_what_the_answer_would_have_been(alice):
    archive = Original("alice")
    archive.memories[2]["state"] = "lost"
    refused = send(alice, archive.zipped()).json()

    answer = send(alice, archive.zipped(), headers={"Prefer": "respond-async"})
    run_due()

    job = alice.get(answer.headers["Location"].removeprefix("/api/v1")).json()
    assert job["state"] == "failed"
    assert job["error"] == {"code": refused["code"], "detail": refused["detail"]}
    assert Memory.objects.count() == 0
