"""The pages of memories, as a person meets them in a real browser."""

from __future__ import annotations

import pytest

from tests.browser.chromium import DARK_PHONE, DESKTOP

MEMORIES = "/admin/memories/memory/"


def open_memory(visit, text):
    visit.page.goto(MEMORIES)
    visit.page.get_by_placeholder("Words, a question or the id of a memory").fill(text)
    visit.page.keyboard.press("Enter")
    visit.page.get_by_text("that contain all of these words").wait_for()
    visit.page.get_by_role("link", name=text).click()
    visit.page.get_by_text("Related memories").wait_for()


@pytest.mark.parametrize("look", [DESKTOP, DARK_PHONE], ids=str)
def test_one_finds_a_memory_by_its_words_and_reads_it(sign_in, user_id, look):
    visit = sign_in(look)

    open_memory(visit, f"The dog of {user_id} is called Rex")

    assert not visit.is_wider_than_the_screen()
    assert visit.page.get_by_text("Access log").is_visible()


def test_one_chooses_a_user_and_asks_a_question(sign_in, user_id):
    visit = sign_in()
    visit.page.goto(MEMORIES)
    visit.page.locator("a", has_text="Filters").first.click()
    visit.page.locator(".select2-selection").first.click()
    visit.page.locator(".select2-search__field").fill(user_id)
    visit.page.locator(".select2-results__option", has_text=user_id).click()
    visit.page.get_by_text("Apply Filters").click()
    visit.page.wait_for_url("**user=*")

    visit.page.get_by_placeholder("Words, a question").fill("Which animal is there?")
    visit.page.keyboard.press("Enter")

    visit.page.get_by_text(f"among the active memories of {user_id}").wait_for()
    assert visit.page.get_by_role("link", name=f"The dog of {user_id} is called Rex").is_visible()


def test_one_pauses_a_memory_and_resumes_it(sign_in, user_id):
    visit = sign_in()
    open_memory(visit, f"The dog of {user_id} is called Rex")

    visit.press("Pause")
    visit.confirm()
    visit.page.get_by_text("The memory is now paused.").wait_for()

    visit.press("Resume")
    visit.confirm()
    visit.page.get_by_text("The memory is now active.").wait_for()


def test_one_edits_a_memory_and_sees_what_it_said(sign_in, user_id):
    visit = sign_in()
    text = f"The dog of {user_id} is called Rex"
    open_memory(visit, text)

    visit.follow("Edit")
    visit.page.get_by_role("textbox", name="Content").fill(
        f"The cat of {user_id}.\nIt is called Minka 🐈"
    )
    visit.page.get_by_role("button", name="Save").click()

    visit.page.get_by_text("The memory was edited.").wait_for()
    assert visit.page.locator("details", has_text=text).is_visible()
