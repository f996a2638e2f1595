"""The admin as a person meets it, in a real browser against a real server.

No fixture of the database here: while the browser is open, Django would refuse to use it.
"""

from __future__ import annotations

import re

import pytest
import requests

from tests.browser.chromium import DARK, DARK_PHONE, DESKTOP, PHONE

LOOKS = [DESKTOP, DARK, PHONE, DARK_PHONE]


def painted(page):
    """Whether something is drawn on each canvas."""
    return page.evaluate(
        """() => [...document.querySelectorAll("canvas")].map(canvas => {
            const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            return data.some(value => value > 0);
        })"""
    )


def tab_to(page, field):
    """Go there with the keyboard, within ten steps."""
    steps = 0
    while not page.locator(f"{field}:focus").count():
        page.keyboard.press("Tab")
        steps += 1
        assert steps <= 10


def open_user(visit, user_id):
    visit.page.goto("/admin/accounts/user/")
    visit.page.get_by_placeholder("The start of a user").fill(user_id[:8])
    visit.page.keyboard.press("Enter")
    visit.page.get_by_role("link", name=user_id).click()


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_the_dashboard_shows_its_charts(sign_in, look):
    visit = sign_in(look)

    visit.page.locator("canvas").first.wait_for()

    assert painted(visit.page) == [True, True, True]
    assert visit.page.evaluate(
        "document.documentElement.classList.contains('dark')"
    ) == (look.scheme == "dark")  # fmt: skip


def test_one_signs_in_with_the_keyboard_alone(visits, operator):
    visit = visits(DESKTOP)
    visit.page.goto("/admin/")
    user_id, password = operator
    tab_to(visit.page, "#id_username")
    visit.page.keyboard.type(user_id)
    tab_to(visit.page, "#id_password")
    visit.page.keyboard.type(password)
    visit.page.keyboard.press("Enter")

    visit.page.wait_for_url(f"{visit.url}/admin/")
    visit.page.keyboard.press("Tab")
    assert visit.page.locator(":focus").inner_text() == "Skip to the content"
    visit.page.keyboard.press("Control+k")
    visit.page.locator("#search-input-command:focus").wait_for()
    visit.page.keyboard.type(user_id)
    visit.page.locator("#command-results").get_by_text("User", exact=True).wait_for()
    visit.page.keyboard.press("Escape")
    assert visit.page.get_by_role("heading", name="Dashboard").is_visible()


def test_a_wrong_password_is_told(visits, operator):
    visit = visits(DESKTOP)
    visit.page.goto("/admin/login/")
    visit.page.get_by_label("User id").fill(operator[0])
    visit.page.get_by_label("Password").fill("wrong")
    visit.page.get_by_role("button", name="Log in").click()

    visit.page.get_by_text("Please enter the correct").first.wait_for()


@pytest.mark.parametrize("look", [DESKTOP, DARK_PHONE], ids=str)
def test_a_key_is_made_shown_once_used_and_revoked(sign_in, shared_server, user_id, look):
    visit = sign_in(look)
    open_user(visit, user_id)

    visit.press("Create a key")
    visit.page.locator("#dialog").get_by_label("Name", exact=True).fill("laptop")
    visit.confirm()
    secret = visit.page.locator("#secret").inner_text()
    visit.follow("Done")

    def status():
        headers = {"Authorization": f"Bearer {secret}"}
        return requests.get(f"{shared_server.url}/api/v1/users/me", headers=headers).status_code

    visit.page.get_by_text("laptop").first.wait_for()
    assert re.fullmatch(r"om_[\w-]{43}", secret)
    assert secret not in visit.page.content()
    assert status() == 200

    visit.page.goto(f"/admin/accounts/apikey/?q={secret[:11]}")
    visit.page.get_by_role("link", name=secret[:11]).click()
    visit.press("Revoke")
    visit.confirm()

    visit.page.get_by_text("Revoked key").first.wait_for()
    assert status() == 401


@pytest.mark.parametrize("look", [DESKTOP, DARK_PHONE], ids=str)
def test_an_app_is_paused_and_resumed(sign_in, shared_server, user_id, look):
    visit = sign_in(look)
    visit.page.goto(f"/admin/apps_registry/app/?q={user_id}")
    visit.page.get_by_role("link", name="notes").click()

    def is_active():
        (app,) = shared_server.call("GET", f"/apps?user_id={user_id}")["apps"]
        return app["is_active"]

    for button, said, active in (("Pause", "is paused", False), ("Resume", "is active", True)):
        visit.press(button)
        visit.confirm()
        visit.page.get_by_text(said).first.wait_for()
        assert is_active() is active


def test_a_dialog_that_is_left_changes_nothing(sign_in, shared_server, user_id):
    visit = sign_in()
    visit.page.goto(f"/admin/apps_registry/app/?q={user_id}")
    visit.page.get_by_role("link", name="notes").click()

    visit.press("Pause")
    dialog = visit.page.get_by_role("dialog", name="Pause")
    inside = visit.page.locator("#modal-content:focus, #modal-content :focus")
    inside.wait_for()
    for _ in range(4):  # more than there are places
        visit.page.keyboard.press("Tab")
        assert inside.count() == 1
    visit.page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    assert "Pause" in visit.page.locator(":focus").inner_text()

    (app,) = shared_server.call("GET", f"/apps?user_id={user_id}")["apps"]
    assert app["is_active"]
