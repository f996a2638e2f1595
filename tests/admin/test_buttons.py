import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from apps_registry.models import App


@pytest.fixture
def notes(alice):
    return App.objects.create(owner=alice.user, name="notes")


def page_of(app):
    return reverse("admin:apps_registry_app_change", args=[app.pk])


def button_of(app, name):
    return reverse(f"admin:apps_registry_app_{name}", args=[app.pk])


PRESSED = {"_form_submitted": "on"}


def test_a_button_asks_before_it_does_anything(browser, notes):
    answer = browser.get(button_of(notes, "pause"))

    assert "cannot read or write until it is resumed" in answer.content.decode()
    notes.refresh_from_db()
    assert notes.is_active


def test_a_button_does_it_and_says_so_and_writes_it_down(browser, root, notes):
    answer = browser.post(button_of(notes, "pause"), PRESSED, headers={"HX-Request": "true"})

    assert answer.headers["HX-Redirect"] == page_of(notes)
    notes.refresh_from_db()
    assert not notes.is_active
    assert "notes is paused" in browser.get(page_of(notes)).content.decode()
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id, entry.object_repr) == (root, str(notes.pk), "notes")
    assert entry.change_message == "notes is paused: it cannot read or write."


def test_a_button_works_without_a_dialog_too(browser, notes):
    answer = browser.post(button_of(notes, "pause"), PRESSED)

    assert (answer.status_code, answer.headers["Location"]) == (302, page_of(notes))


def test_only_the_buttons_that_apply_are_shown(browser, notes):
    page = browser.get(page_of(notes)).content.decode()
    assert button_of(notes, "pause") in page
    assert button_of(notes, "resume") not in page

    notes.set_active(False)

    page = browser.get(page_of(notes)).content.decode()
    assert button_of(notes, "pause") not in page
    assert button_of(notes, "resume") in page


def test_a_button_of_a_page_that_was_open_too_long_does_nothing(browser, notes):
    notes.set_active(False)

    browser.post(button_of(notes, "pause"), PRESSED)

    assert "has changed since its page was opened" in browser.get(page_of(notes)).content.decode()
    assert not LogEntry.objects.exists()


def test_who_only_sees_has_no_buttons_and_can_press_none(reading, notes):
    assert button_of(notes, "pause") not in reading.get(page_of(notes)).content.decode()

    for answer in (
        reading.get(button_of(notes, "pause")),
        reading.post(button_of(notes, "pause"), PRESSED),
    ):
        assert answer.status_code == 403
    notes.refresh_from_db()
    assert notes.is_active
    assert not LogEntry.objects.exists()


def test_a_button_of_what_is_not_there_is_not_found(browser, notes):
    address = button_of(notes, "pause").replace(str(notes.pk), str(notes.owner_id))

    assert browser.post(address, PRESSED).status_code == 404
