import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from backups.export_queries import ExportFilters
from backups.jobs import enqueue_export
from jobs import files
from jobs.models import Job, State
from jobs.registry import get_job_type
from jobs.runner import run_due
from tests.admin.conftest import staff_with

pytestmark = pytest.mark.slow

# An export reads what others have committed.
COMMITTED = pytest.mark.django_db(transaction=True, serialized_rollback=True)

LIST = "/admin/jobs/job/"
PRESSED = {"_form_submitted": "on"}


def page_of(job):
    return reverse("admin:jobs_job_change", args=[job.pk])


def press(browser, job, name):
    return browser.post(reverse(f"admin:jobs_job_{name}", args=[job.pk]), PRESSED)


@pytest.fixture
def waiting(alice):
    return get_job_type("embed").enqueue(owner=alice.user, parameters={})


@pytest.fixture
def failed(alice):
    """An export of somebody who is gone by the time it runs."""
    job = get_job_type("export").enqueue(owner=alice.user, parameters={"user": str(alice.key.pk)})
    run_due()
    job.refresh_from_db()
    assert job.state == State.FAILED
    return job


@pytest.fixture
def exported(alice):
    alice.remember("I like tea")
    job = enqueue_export(alice.user, ExportFilters(), by=alice.user)
    run_due()
    job.refresh_from_db()
    return job


@COMMITTED
def test_jobs_are_listed_and_filtered(browser, waiting, exported):
    def kinds(**chosen):
        return [job.kind for job in browser.get(LIST, chosen).context["cl"].result_list]

    assert kinds(kind="export") == ["export"]
    assert kinds(state__exact="succeeded", kind="embed") == ["embed"]
    assert kinds(state__exact="failed") == []


def test_a_job_shows_why_it_failed(browser, failed):
    page = browser.get(page_of(failed)).content.decode()

    assert failed.error["detail"] in page
    assert failed.error["code"] in page


def test_a_job_that_failed_is_tried_again(browser, failed):
    assert press(browser, failed, "retry").status_code == 302

    failed.refresh_from_db()
    assert (failed.state, failed.attempts, failed.error) == (State.QUEUED, 0, None)
    assert LogEntry.objects.get().change_message == "Enqueued the job again."
    run_due()
    failed.refresh_from_db()
    assert failed.state == State.FAILED


@COMMITTED
def test_a_job_that_succeeded_is_not_tried_again(browser, exported):
    press(browser, exported, "retry")

    exported.refresh_from_db()
    assert exported.state == State.SUCCEEDED
    page = browser.get(page_of(exported)).content.decode()
    assert "has changed since its page was opened" in page
    assert reverse("admin:jobs_job_retry", args=[exported.pk]) not in page


def test_a_job_whose_upload_is_gone_is_not_tried_again(browser, failed):
    Job.objects.filter(pk=failed.pk).update(upload=f"{failed.pk}/upload")

    press(browser, failed, "retry")

    failed.refresh_from_db()
    assert failed.state == State.FAILED
    assert "is gone: send it again" in browser.get(page_of(failed)).content.decode()


def test_a_job_of_another_version_of_the_server_is_not_tried_again(browser, failed):
    Job.objects.filter(pk=failed.pk).update(kind="unheard-of")

    press(browser, failed, "retry")

    failed.refresh_from_db()
    assert failed.state == State.FAILED
    assert "Only another version of the server" in browser.get(page_of(failed)).content.decode()


def test_of_what_there_is_one_at_a_time_no_second_one_is_queued(browser, alice):
    first = get_job_type("embed").enqueue(owner=alice.user, parameters={}, queueing_lock="x")
    first.cancel()
    second = get_job_type("embed").enqueue(owner=alice.user, parameters={}, queueing_lock="x")

    press(browser, first, "retry")

    first.refresh_from_db()
    assert first.state == State.CANCELLED
    assert second.pk != first.pk
    assert "already queued or running" in browser.get(page_of(first)).content.decode()


def test_a_job_that_waits_is_cancelled(browser, waiting):
    press(browser, waiting, "cancel")

    waiting.refresh_from_db()
    assert waiting.state == State.CANCELLED


@COMMITTED
def test_the_file_of_a_job_is_downloaded_and_that_is_written_down(browser, root, exported):
    answer = browser.get(reverse("admin:jobs_job_download", args=[exported.pk]))

    assert answer.status_code == 200
    assert b"".join(answer.streaming_content)[:2] == b"PK"
    assert exported.download_name in answer.headers["Content-Disposition"]
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (root, str(exported.pk))


@COMMITTED
def test_a_file_that_is_gone_is_not_found(browser, exported):
    files.remove(exported.download)
    Job.objects.filter(pk=exported.pk).update(download="")

    assert browser.get(reverse("admin:jobs_job_download", args=[exported.pk])).status_code == 404
    assert "has expired" in browser.get(page_of(exported)).content.decode()


@COMMITTED
def test_who_only_sees_neither_downloads_nor_presses(reading, exported, waiting):
    assert reading.get(page_of(exported)).status_code == 200
    for address in (
        reverse("admin:jobs_job_download", args=[exported.pk]),
        reverse("admin:jobs_job_cancel", args=[waiting.pk]),
        reverse("admin:jobs_job_retry", args=[waiting.pk]),
    ):
        assert reading.get(address).status_code == 403
        assert reading.post(address, PRESSED).status_code in (403, 405)


@COMMITTED
def test_nobody_downloads_without_signing_in(client, exported):
    answer = client.get(reverse("admin:jobs_job_download", args=[exported.pk]))

    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/admin/login/")


@COMMITTED
@pytest.mark.parametrize(
    ("permissions", "status"),
    [
        (["jobs.view_job", "jobs.change_job"], 403),
        (["jobs.view_job", "memories.view_memory"], 403),
        (["jobs.view_job", "jobs.change_job", "memories.view_memory"], 200),
    ],
)
def test_a_download_needs_the_permission_to_view_memories(permissions, status, exported):
    answer = staff_with(*permissions).get(reverse("admin:jobs_job_download", args=[exported.pk]))
    answer.close()

    assert answer.status_code == status
