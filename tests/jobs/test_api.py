from __future__ import annotations

import uuid

import pytest

from jobs import retention
from jobs.claim import claim
from jobs.models import Job
from jobs.registry import get_job_type
from jobs.runner import run_due


def make_a_file(job_run):
    path = job_run.folder / "anything"
    path.write_text("what was made")
    job_run.attach(path, "Über uns.txt")


@pytest.fixture
def job(alice, register):
    register(make_a_file)
    return get_job_type("work").enqueue(owner=alice.user)


def test_a_job_is_shown_to_its_owner(alice, job):
    answer = alice.get(f"/jobs/{job.pk}")

    created_at = job.created_at.isoformat().replace("+00:00", "Z")
    assert answer.status_code == 200
    assert answer.json() == {
        "id": str(job.pk),
        "kind": "work",
        "state": "queued",
        "progress": {"done": 0, "total": None},
        "result": None,
        "error": None,
        "created_at": created_at,
        "started_at": None,
        "finished_at": None,
    }


def test_a_job_of_somebody_else_is_not_there(alice, bob, job):
    for answer in (
        bob.get(f"/jobs/{job.pk}"),
        bob.get(f"/jobs/{uuid.uuid4()}"),
        bob.get(f"/jobs/{job.pk}/download"),
        bob.post(f"/jobs/{job.pk}/cancel"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "job_not_found")
    assert bob.get("/jobs").json()["items"] == []


def test_the_url_of_a_job_can_be_followed_by_who_got_it(alice, olga, bob, job):
    path = f"/jobs/{job.pk}"

    assert olga.get(path).json() == alice.get(path).json()
    assert olga.get(path, {"user_id": "bob"}).status_code == 404
    assert olga.get("/jobs").json()["items"] == []
    bound = olga.with_key(app_name="notes")
    assert bound.get(path).status_code == 404
    assert olga.post(f"{path}/cancel").json()["state"] == "cancelled"


def test_a_key_that_may_only_write_follows_a_job_without_its_result(alice, job):
    run_due()
    Job.objects.filter(pk=job.pk).update(result={"known": ["an id"]})
    writer = alice.with_key(scopes=["write"])

    answer = writer.get(f"/jobs/{job.pk}")

    assert answer.json() == {**alice.get(f"/jobs/{job.pk}").json(), "result": None}
    assert writer.get("/jobs").status_code == 403


def test_jobs_are_listed_by_kind_and_state_the_newest_first(
    alice, job, django_assert_max_num_queries
):
    run_due()
    later = Job.objects.create(owner=alice.user, kind="other")

    def listed(**params):
        return [job["id"] for job in alice.get("/jobs", params).json()["items"]]

    with django_assert_max_num_queries(3):
        assert listed() == [str(later.pk), str(job.pk)]
    assert listed(sort_by="created_at", sort_direction="asc") == [str(job.pk), str(later.pk)]
    assert listed(kind="work") == listed(state="succeeded") == [str(job.pk)]
    assert listed(state="failed") == []
    answer = alice.get("/jobs", {"state": "done", "sort_by": "kind"})
    assert answer.status_code == 400
    assert len(answer.json()["errors"]) == 2


def test_hidden_jobs_are_listed_if_they_failed_or_their_type_is_given(alice, register):
    register(hidden=True)
    waiting, failed = (get_job_type("work").enqueue(owner=alice.user) for _ in range(2))
    Job.objects.filter(pk=failed.pk).update(
        state="failed", finished_at=failed.created_at, error={"code": "away", "detail": "Away."}
    )

    def listed(path):
        return {item["id"] for item in alice.get(path).json()["items"]}

    assert listed("/jobs") == {str(failed.pk)}
    assert listed("/jobs?state=queued") == set()
    assert listed("/jobs?kind=work") == {str(waiting.pk), str(failed.pk)}
    assert alice.get(f"/jobs/{waiting.pk}").status_code == 200


def test_a_key_of_an_app_sees_the_jobs_that_were_queued_through_that_app(alice, job):
    desk = alice.with_key(app_name="desk")
    own = get_job_type("work").enqueue(owner=alice.user, app_name="desk")

    assert [job["id"] for job in desk.get("/jobs").json()["items"]] == [str(own.pk)]
    assert desk.get(f"/jobs/{own.pk}").status_code == 200
    assert desk.get(f"/jobs/{job.pk}").status_code == 404
    assert alice.get("/jobs").json()["total"] == 2


def test_a_job_that_waits_is_cancelled_and_one_that_has_ended_is_not(alice, job):
    answer = alice.post(f"/jobs/{job.pk}/cancel")
    again = alice.post(f"/jobs/{job.pk}/cancel")

    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert answer.json()["finished_at"] is not None
    assert (again.status_code, again.json()["code"]) == (409, "job_finished")


def test_a_job_that_runs_is_asked_to_end(alice, job):
    claim("quick")

    answer = alice.post(f"/jobs/{job.pk}/cancel")

    job.refresh_from_db()
    assert (answer.status_code, answer.json()["state"]) == (200, "running")
    assert job.cancel_requested


def test_the_file_that_a_job_has_made_is_downloaded_as_it_is(alice, job):
    run_due()

    answer = alice.get(f"/jobs/{job.pk}/download")

    assert (answer.status_code, answer.getvalue()) == (200, b"what was made")
    assert answer["Content-Disposition"] == "attachment; filename*=utf-8''%C3%9Cber%20uns.txt"
    assert answer["Content-Type"] == "text/plain"
    assert answer["Content-Length"] == "13"


def test_there_is_nothing_to_download_before_and_where_nothing_was_made(alice, job, register):
    early = alice.get(f"/jobs/{job.pk}/download")
    job.cancel()
    never = alice.get(f"/jobs/{job.pk}/download")

    assert (early.status_code, early.json()["code"]) == (409, "job_unfinished")
    assert (never.status_code, never.json()["code"]) == (404, "download_not_found")


def test_a_file_that_was_removed_is_said_to_be_gone(alice, job, settings):
    run_due()
    settings.DOWNLOADS_KEEP_HOURS = 0

    retention.remove_expired()

    answer = alice.get(f"/jobs/{job.pk}/download")
    assert (answer.status_code, answer.json()["code"]) == (410, "download_gone")
    assert alice.get(f"/jobs/{job.pk}").json()["state"] == "succeeded"
