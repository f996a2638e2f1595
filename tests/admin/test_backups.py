import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from backups.export_queries import ExportFilters
from backups.jobs import enqueue_export
from jobs import files
from jobs.models import Job, State
from jobs.runner import run_due
from memories.models import Memory
from tests.admin.conftest import staff_with

pytestmark = pytest.mark.slow

# An export reads what others have committed.
COMMITTED = pytest.mark.django_db(transaction=True, serialized_rollback=True)

PAGE = "/admin/backups/"


@pytest.fixture
def archive(alice):
    """What alice remembers, as an archive."""
    alice.remember("I like tea")
    job = enqueue_export(alice.user, ExportFilters(), by=alice.user)
    run_due()
    job.refresh_from_db()
    with files.open_download(job) as file:
        content = file.read()
    Job.objects.all().delete()
    return content


def sent(archive, **fields):
    file = SimpleUploadedFile("archive.zip", archive, "application/zip")
    return {"act": "import", "user_id": "bob", "mode": "overwrite", "file": file, **fields}


def the_job():
    run_due()
    return Job.objects.exclude(kind="embed").latest("created_at")


@COMMITTED
def test_an_export_is_queued_and_its_page_is_shown(browser, root, alice):
    answer = browser.post(PAGE, {"act": "export", "user_id": "alice", "include_vectors": "on"})

    job = the_job()
    assert answer.headers["Location"] == f"/admin/jobs/job/{job.pk}/change/"
    assert (job.kind, job.owner, job.state) == ("export", root, State.SUCCEEDED)
    assert job.parameters["user"] == str(alice.user.pk)
    assert LogEntry.objects.get().object_id == str(job.pk)


@COMMITTED
def test_an_import_is_tried_first_and_changes_nothing(browser, bob, archive):
    browser.post(PAGE, sent(archive, dry_run="on"))

    job = the_job()
    assert job.state == State.SUCCEEDED
    assert job.result["memories_created"] == 1
    assert not Memory.objects.owned_by(bob.user).exists()
    page = browser.get(PAGE).content.decode()
    assert "memories created: 1" in page
    assert f'value="import-after-dry-run {job.pk}"' in page


@COMMITTED
def test_what_was_tried_is_imported_by_a_button(browser, bob, archive):
    browser.post(PAGE, sent(archive, dry_run="on"))
    tried = the_job()

    browser.post(PAGE, {"act": f"import-after-dry-run {tried.pk}"})

    assert the_job().state == State.SUCCEEDED
    assert Memory.objects.owned_by(bob.user).get().content == "I like tea"


@COMMITTED
def test_an_import_is_begun_without_being_tried(browser, bob, archive):
    browser.post(PAGE, sent(archive))

    assert the_job().state == State.SUCCEEDED
    assert Memory.objects.owned_by(bob.user).count() == 1


@COMMITTED
def test_a_broken_archive_says_why_and_changes_nothing(browser, bob, archive):
    browser.post(PAGE, sent(archive[:100]))

    job = the_job()
    assert job.state == State.FAILED
    assert job.error["detail"] in browser.get(PAGE).content.decode()
    assert not Memory.objects.owned_by(bob.user).exists()


@COMMITTED
@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"user_id": "nobody"}, "No user has this name."),
        ({"user_id": ""}, "This field is required."),
        ({"file": ""}, "This field is required."),
        ({"mode": "burn"}, "burn is not one of the available choices"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(browser, bob, archive, fields, told):
    answer = browser.post(PAGE, sent(archive, **fields))

    assert answer.status_code == 400
    assert told in answer.content.decode()
    assert not Job.objects.exists()


@COMMITTED
def test_an_archive_that_is_too_large_is_refused(browser, bob, archive, settings):
    settings.IMPORT_MAX_BYTES = 10

    answer = browser.post(PAGE, sent(archive))

    assert answer.status_code == 400
    assert "An archive may have at most 10\xa0bytes." in answer.content.decode()


@COMMITTED
def test_an_archive_may_be_larger_than_other_forms(browser, bob, archive, settings):
    settings.MAX_BODY_BYTES = 100

    assert browser.post(PAGE, sent(archive)).status_code == 302
    assert browser.post("/admin/configuration/", {"act": "x" * 200}).status_code == 413


@COMMITTED
def test_everybody_is_backed_up_at_once(browser, root, alice, bob, settings, tmp_path):
    settings.BACKUP_FOLDER = tmp_path

    browser.post(PAGE, {"act": "back-up"})
    run_due()

    entry = LogEntry.objects.get()
    assert (entry.user, entry.get_admin_url()) == (root, None)
    assert entry.change_message == "3 backups are queued, one for each user."

    assert len(list(tmp_path.glob("memories_*.zip"))) == 3  # the operator, too
    assert "3 of 3 users have a backup" in browser.get(PAGE).content.decode()


def test_without_a_folder_it_says_how_to_name_one(browser):
    assert "OPENMEMORY_BACKUP_FOLDER" in browser.get(PAGE).content.decode()


@pytest.mark.parametrize("act", ["", "burn", "import-after-dry-run x"])
def test_a_button_that_there_is_not_is_refused(browser, act):
    assert browser.post(PAGE, {"act": act}).status_code == 400


def test_a_job_that_was_no_trial_begins_nothing(browser, alice):
    browser.post(PAGE, {"act": "export", "user_id": "alice"})
    job = the_job()

    browser.post(PAGE, {"act": f"import-after-dry-run {job.pk}"})

    assert "Job not found." in browser.get(PAGE).content.decode()
    assert Job.objects.count() == 1


@pytest.mark.parametrize("act", ["export", "import", "back-up"])
def test_who_only_sees_can_press_nothing(reading, alice, act):
    assert 'name="act"' not in reading.get(PAGE).content.decode()

    assert reading.post(PAGE, {"act": act, "user_id": "alice"}).status_code == 403
    assert not Job.objects.exists()


ALL = {"jobs.view_job", "jobs.add_job", "memories.view_memory", "memories.change_memory"}


@pytest.mark.parametrize("missing", sorted(ALL - {"jobs.view_job"}))
@pytest.mark.parametrize("act", ["export", "import", "back-up", "import-after-dry-run 1"])
def test_archives_need_the_permissions_on_memories(act, missing, alice):
    browser = staff_with(*(ALL - {missing}))

    assert 'name="act"' not in browser.get(PAGE).content.decode()
    assert browser.post(PAGE, {"act": act, "user_id": "alice"}).status_code == 403
    assert not Job.objects.exists()


def test_who_has_these_permissions_may_export(alice):
    answer = staff_with(*ALL).post(PAGE, {"act": "export", "user_id": "alice"})

    assert answer.status_code == 302
    assert Job.objects.get(kind="export").parameters["user"] == str(alice.user.pk)


@COMMITTED
def test_a_dry_run_leads_on_to_the_import(browser, bob, archive):
    page = browser.post(PAGE, sent(archive, dry_run="on")).headers["Location"]
    assert "data-reload" in browser.get(page).content.decode()
    tried = the_job()
    shown = browser.get(page).content.decode()
    assert "press “Import”" in shown
    assert "data-reload" not in shown
    assert ">bob<" in shown

    address = reverse("admin:jobs_job_import_now", args=[tried.pk])
    browser.post(address, {"_form_submitted": "on"})

    run_due()
    assert Memory.objects.get(user=bob.user).content == "I like tea"
