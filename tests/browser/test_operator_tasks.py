"""What operators do with the whole server, in a real browser: its configuration and backups."""

from __future__ import annotations

import re

import pytest

from tests.browser.chromium import DARK_PHONE, DESKTOP
from tests.deadline import eventually

CONFIGURATION = "/admin/configuration/"
BACKUPS = "/admin/backups/"


def wait_until_succeeded(page):
    """Look at the page of a job, as often as it takes, until the job has succeeded."""
    state = page.get_by_text(re.compile("^(succeeded|failed|cancelled)$"))

    def ended():
        page.reload()
        return state.count()

    page.wait_for_url("**/admin/jobs/job/**")

    assert eventually(ended)
    assert state.inner_text() == "succeeded"


@pytest.mark.parametrize("look", [DESKTOP, DARK_PHONE], ids=str)
def test_the_configuration_is_changed_refused_and_reset(sign_in, shared_server, look):
    visit = sign_in(look)
    visit.page.goto(CONFIGURATION)

    def instructions():
        return shared_server.call("GET", "/config")["openmemory"]["custom_instructions"]

    card = visit.page.locator("form", has=visit.page.locator("#openmemory_custom_instructions"))
    card.get_by_label("Custom instructions").fill("Remember what concerns food.")
    card.get_by_role("button", name="Save", exact=True).click()
    visit.page.get_by_text("Instructions saved.").wait_for()
    assert instructions() == "Remember what concerns food."

    model = visit.page.locator("form", has=visit.page.locator("#llm_temperature"))
    model.get_by_label("Temperature").fill("7")
    model.get_by_role("button", name="Save", exact=True).click()
    visit.page.get_by_text("Language model not saved.").wait_for()
    visit.faults.clear()  # the browser tells of the 400 that the page was answered with

    visit.page.goto(CONFIGURATION)
    visit.page.get_by_label("I want to lose the settings above.").check()
    visit.page.get_by_role("button", name="Reset to the defaults").click()
    visit.page.get_by_text("The configuration was reset to the defaults.").wait_for()
    assert instructions() is None


@pytest.mark.parametrize("look", [DESKTOP, DARK_PHONE], ids=str)
def test_an_archive_is_exported_tried_and_imported(sign_in, shared_server, user_id, tmp_path, look):
    visit = sign_in(look)
    other = f"{user_id}-again"
    shared_server.call("POST", "/users", json={"user_id": other})

    visit.page.goto(BACKUPS)
    card = visit.page.locator("form", has=visit.page.locator("#export_user_id"))
    card.get_by_label("User").fill(user_id)
    card.get_by_role("button", name="Export").click()
    wait_until_succeeded(visit.page)
    with visit.page.expect_download() as downloading:
        visit.page.get_by_role("link", name=re.compile(r"\.zip$")).click()
    archive = tmp_path / "archive.zip"
    downloading.value.save_as(archive)

    visit.page.goto(BACKUPS)
    card = visit.page.locator("form", has=visit.page.locator("#import_user_id"))
    card.get_by_label("User").fill(other)
    card.locator("input[type=file]").set_input_files(archive)
    card.get_by_role("button", name="Import").click()
    wait_until_succeeded(visit.page)
    assert shared_server.call("GET", f"/memories?user_id={other}")["total"] == 0

    visit.page.goto(BACKUPS)
    visit.page.get_by_role("button", name="Import it now").first.click()
    wait_until_succeeded(visit.page)
    assert shared_server.call("GET", f"/memories?user_id={other}")["total"] == 1
