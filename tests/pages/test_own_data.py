"""All of a person's data: taken along, brought in, erased; and that of their end users."""

from __future__ import annotations

import html
import io
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import ApiKey, User
from jobs.models import Job
from jobs.runner import run_due
from memories.models import Memory
from operators.models import Receipt

# An export reads what others have committed.
COMMITTED = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def page_of(answer, status=200):
    assert answer.status_code == status, answer.content
    return html.unescape(answer.content.decode())


def archive_of(browser):
    address = browser.post("/data/export", {"vectors": "on"}).headers["Location"]
    waiting = page_of(browser.get(address))
    assert 'hx-trigger="every 2s"' in waiting
    run_due()
    page = page_of(browser.get(address))
    assert "hx-trigger" not in page
    return b"".join(browser.get(f"{address}/file").streaming_content)


@COMMITTED
def test_an_archive_is_made_tried_and_brought_in_elsewhere(browser, browser_of, alice, bob):
    alice.remember("Rex is a dog", app="notes", infer=False)
    archive = archive_of(browser)
    other = browser_of(bob)
    form = {"file": SimpleUploadedFile("a.zip", archive), "mode": "skip"}

    tried = other.post("/data/import", form).headers["Location"]
    run_due()
    preview = page_of(other.get(tried))

    assert re.search(r"1</span> memory is new", preview)
    assert not Memory.objects.filter(user=bob.user).exists()
    imported = other.post(f"{tried}/import").headers["Location"]
    run_due()
    assert re.search(r"1</span> memory is new", page_of(other.get(imported)))
    assert Memory.objects.get(user=bob.user).content == "Rex is a dog"
    assert "Trial of an import" in page_of(other.get("/data"))
    assert browser.post(f"{tried}/import").status_code == 404


@COMMITTED
def test_a_file_that_is_no_archive_says_so(browser, alice):
    form = {"file": io.BytesIO(b"no archive"), "mode": "skip"}

    tried = browser.post("/data/import", form).headers["Location"]
    run_due()

    page = page_of(browser.get(tried))
    assert "failed" in page
    assert Job.objects.get(kind="import").error["detail"] in page


@pytest.mark.parametrize("form", [{}, {"mode": "skip"}, {"file": io.BytesIO(b"x"), "mode": "all"}])
def test_an_import_without_a_file_or_a_mode_starts_nothing(browser, form):
    page_of(browser.post("/data/import", form), 400)

    assert not Job.objects.exists()


def test_who_is_not_signed_in_sends_no_archive(client, db):
    form = {"file": io.BytesIO(b"x" * 3_000_000), "mode": "skip"}

    assert client.post("/data/import", form).headers["Location"] == "/sign-in"


@COMMITTED
def test_an_account_is_erased_with_a_receipt(browser, alice, bob):
    alice.remember("Rex is a dog", app="notes", infer=False)
    bob.remember("Bob's own", infer=False)
    assert "1</span> memory" in page_of(browser.get("/data/erase"))
    assert "another user id" in page_of(browser.post("/data/erase", {"user_id": "bob"}), 400)

    receipt = browser.post("/data/erase", {"user_id": "alice"}).headers["Location"]

    assert "It is being erased" in page_of(browser.get(receipt))
    assert browser.get("/memories").status_code == 302
    assert alice.get("/memories").status_code == 401
    run_due()
    page = page_of(browser.get(receipt))
    assert "done" in page
    assert "Rex" not in page
    assert str(Receipt.objects.latest("made_at").act) in page
    assert not User.objects.filter(user_id="alice").exists()
    assert Memory.objects.get().user == bob.user


def test_who_has_a_password_needs_it_to_erase(browser, alice):
    alice.user.set_password("correct horse battery staple")
    alice.user.save()
    browser.post("/sign-in", {"user_id": "alice", "password": "correct horse battery staple"})

    page_of(browser.post("/data/erase", {"user_id": "alice"}), 400)
    page_of(browser.post("/data/erase", {"user_id": "alice", "password": "x"}), 400)

    assert User.objects.get(user_id="alice").is_active


def test_an_operator_is_not_erased_by_their_own_page(browser_of, olga):
    page_of(browser_of(olga).post("/data/erase", {"user_id": "olga"}), 403)

    assert User.objects.get(user_id="olga").is_active


@pytest.mark.parametrize("receipt", ["", "x", "e30:1:x"])
def test_a_receipt_that_nobody_gave_is_not_shown(client, db, receipt):
    page_of(client.get("/erased", {"receipt": receipt}), 410)


@pytest.fixture
def erin(alice):
    """An end user of alice's, of whom something is remembered."""
    key = alice.with_key(names_end_users=True)
    key.remember("Erin likes tea", user_id="erin", app="shop", infer=False)
    return User.objects.get(owner=alice.user, external_id="erin")


def test_the_holder_of_an_account_sees_and_acts_for_an_end_user(browser, alice, erin):
    alice.remember("Alice likes coffee", infer=False)
    assert "erin" in page_of(browser.get("/end-users?q=ERI"))

    browser.post("/end-users/choose", {"end_user": str(erin.pk)})

    page = page_of(browser.get("/memories"))
    assert "Erin likes tea" in page
    assert "Alice likes coffee" not in page
    assert "You see the memories of your end user" in page
    browser.post("/memories/new", {"text": "Erin has a cat", "about": str(erin.pk)})
    tea = Memory.objects.get(content="Erin likes tea")
    browser.post("/memories/change", {"do": f"pause {tea.pk}"})
    assert Memory.objects.get(content="Erin has a cat").user == erin
    tea.refresh_from_db()
    assert tea.state == "paused"
    assert tea.state_changes.latest("pk").changed_by == alice.user
    for path in ("/apps", "/reads", "/keys", "/data", f"/memories/{tea.pk}", "/data/erase"):
        page_of(browser.get(path))
    secret = re.search(r"om_[\w-]{43}", page_of(browser.post("/connect/curl")))[0]
    assert ApiKey.objects.authenticate(secret).user == erin
    browser.post("/end-users/choose", {"end_user": ""})
    assert "Alice likes coffee" in page_of(browser.get("/memories"))


def test_a_form_about_somebody_else_than_is_chosen_changes_nothing(browser, alice, erin):
    browser.post("/end-users/choose", {"end_user": str(erin.pk)})

    answer = browser.post("/memories/new", {"text": "Mine", "about": str(alice.user.pk)})

    assert answer.status_code == 409
    assert not Memory.objects.filter(content="Mine").exists()


@pytest.mark.parametrize("chosen", ["bob", "x", "00000000-0000-0000-0000-000000000001"])
def test_nobody_else_can_be_chosen_not_even_by_the_cookie(browser, alice, bob, erin, chosen):
    bob.remember("Bob's own", infer=False)
    value = str(bob.user.pk) if chosen == "bob" else chosen

    assert browser.post("/end-users/choose", {"end_user": value}).status_code == 404
    browser.cookies["openmemory_subject"] = value

    page = page_of(browser.get("/memories"))
    assert "Bob's own" not in page
    assert "your end user" not in page


def test_a_stranger_cannot_choose_an_end_user_of_somebody_else(browser_of, bob, erin):
    other = browser_of(bob)
    assert other.post("/end-users/choose", {"end_user": str(erin.pk)}).status_code == 404
    other.cookies["openmemory_subject"] = str(erin.pk)

    assert "Erin likes tea" not in page_of(other.get("/memories"))


def test_an_end_user_is_erased_and_the_holder_stays(browser, alice, erin):
    browser.post("/end-users/choose", {"end_user": str(erin.pk)})

    page_of(browser.post("/data/erase", {"user_id": "alice"}), 400)
    browser.post("/data/erase", {"user_id": "erin"})

    erin.refresh_from_db()
    assert not erin.is_active
    assert User.objects.get(user_id="alice").is_active
    assert browser.get("/memories").status_code == 200
