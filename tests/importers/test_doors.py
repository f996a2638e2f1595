"""The pages of the person and of the admin: a trial with its preview, then the import."""

from __future__ import annotations

import html

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from jobs.models import Job, State
from jobs.runner import run_due
from memories.models import Memory
from tests.admin.conftest import browser as admin_browser
from tests.admin.conftest import root
from tests.pages.conftest import browser_of

from . import exports

__all__ = ["admin_browser", "browser_of", "root"]

COMMITTED = pytest.mark.django_db(transaction=True, serialized_rollback=True)
PAGE = "/admin/import-from/"


def form(content, name="export.zip", **fields):
    file = SimpleUploadedFile(name, content)
    return {"file": file, "source": "auto", "take": "all", **fields}


def page_of(answer, status=200):
    assert answer.status_code == status, answer.content
    return html.unescape(answer.content.decode())


@COMMITTED
def test_a_person_tries_and_imports(browser_of, alice, bob):
    browser = browser_of(alice)
    assert "/data/import-from" in page_of(browser.get("/data"))
    assert "ChatGPT" in page_of(browser.get("/data/import-from"))

    tried = browser.post("/data/import-from", form(exports.chatgpt())).headers["Location"]
    run_due()

    preview = page_of(browser.get(tried))
    assert "4</span> memories are new" in preview
    assert "Moves to Lisbon in May" in preview
    assert not Memory.objects.exists()
    assert browser_of(bob).get(tried).status_code == 404
    done = browser.post(f"{tried}/import").headers["Location"]
    run_due()
    page = page_of(browser.get(done))
    assert "4</span> memories are new" in page
    assert Memory.objects.filter(user=alice.user).count() == 4
    assert "Trial of an import" in page_of(browser.get("/data"))


@COMMITTED
def test_a_person_brings_only_memories(browser_of, alice):
    browser = browser_of(alice)
    sent = form(exports.chatgpt(), take="memories", source="chatgpt")

    tried = browser.post("/data/import-from", sent).headers["Location"]
    run_due()

    page = page_of(browser.get(tried))
    assert "2</span> memories are new" in page
    assert "2</span> are left out" in page


@COMMITTED
def test_a_file_of_something_else_says_so(browser_of, alice):
    browser = browser_of(alice)

    tried = browser.post("/data/import-from", form(b"\x89PNG")).headers["Location"]
    run_due()

    assert "What wrote this file is unknown" in page_of(browser.get(tried))


@pytest.mark.django_db
@pytest.mark.parametrize("fields", [{"source": "x"}, {"take": "x"}, {"file": ""}])
def test_a_form_that_is_wrong_starts_nothing(browser_of, alice, fields):
    page_of(browser_of(alice).post("/data/import-from", form(b"x", **fields)), 400)

    assert not Job.objects.exists()


@pytest.mark.django_db
def test_who_is_not_signed_in_sends_nothing(client):
    answer = client.post("/data/import-from", form(b"x" * 3_000_000))

    assert answer.headers["Location"] == "/sign-in"


@COMMITTED
def test_a_person_takes_markdown_along(browser_of, alice):
    alice.remember("Rex is a dog", infer=False)
    browser = browser_of(alice)

    made = browser.post("/data/export", {"format": "markdown"}).headers["Location"]
    run_due()

    content = b"".join(browser.get(f"{made}/file").streaming_content)
    assert b"rex-is-a-dog" in content
    assert Job.objects.get(kind="export").result["counts"] == {"memories": 1}


@COMMITTED
def test_an_operator_tries_and_imports(admin_browser, alice):
    sent = {"act": "import", "user_id": "alice", "dry_run": "on", **form(exports.claude())}
    answer = admin_browser.post(PAGE, sent)
    run_due()
    job = Job.objects.get(kind="import_from")
    assert answer.headers["Location"] == f"/admin/jobs/job/{job.pk}/change/"
    assert job.state == State.SUCCEEDED
    assert not Memory.objects.exists()
    page = page_of(admin_browser.get(PAGE))
    assert "memories created: 7" in page
    assert "Which knot holds a boat?" in page
    # Not all who see jobs may read memories.
    assert "Which knot" not in page_of(admin_browser.get(answer.headers["Location"]))

    admin_browser.post(PAGE, {"act": f"import-after-dry-run {job.pk}"})
    run_due()
    assert "Import" in page_of(admin_browser.get(answer.headers["Location"]))

    assert Memory.objects.filter(user=alice.user).count() == 7


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "status"),
    [({"user_id": "nobody"}, 400), ({"source": "x"}, 400), ({"act": "x"}, 400)],
)
def test_an_operator_who_errs_starts_nothing(admin_browser, alice, fields, status):
    sent = {"act": "import", "user_id": "alice", **form(b"x"), **fields}

    page_of(admin_browser.post(PAGE, sent), status)

    assert not Job.objects.exists()
