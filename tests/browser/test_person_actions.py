"""What a person does on the pages: on a phone without scripts, and with the keyboard alone."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.chromium import DARK_PHONE, PHONE
from tests.browser.conftest import PASSWORD
from tests.deadline import eventually

# Number the controls that can be seen: of radio buttons, the one that the Tab key leads to.
NUMBER_CONTROLS = """() => {
    const radios = new Set();
    const shown = [...document.querySelectorAll(
        'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]'
    )].filter(control => {
        if (control.disabled || !control.checkVisibility({visibilityProperty: true})) return false;
        if (control.type != 'radio') return true;
        const group = [...document.getElementsByName(control.name)];
        const stop = group.find(each => each.checked) || group[0];
        return control === stop && !radios.has(control.name) && radios.add(control.name);
    });
    shown.forEach((control, number) => { control.dataset.number = number; });
    return shown.map(control => control.outerHTML.slice(0, 120));
}"""
FOCUSED = "() => document.activeElement.dataset.number"


class Hand:
    """Somebody who sees a page, and presses what it offers."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, name: str | re.Pattern[str], *, region: str = "") -> None:
        part = self.page.get_by_role("region", name=region) if region else self.page
        part.get_by_role("button", name=name, exact=True).first.click()

    def fill(self, label: str, text: str) -> None:
        self.page.get_by_label(label, exact=True).fill(text)

    def sees(self, text: str) -> None:
        expect(self.page.locator("main").get_by_text(text).first).to_be_visible()

    def starts(self, button: str, *, until: tuple[Any, str]) -> None:
        """Start a job, and look again by hand until it has ended."""
        role, name = until
        with self.page.expect_navigation(url="**/data/jobs/*"):
            self.press(button)

        def is_there() -> bool:
            self.page.goto(self.page.url)
            return self.page.get_by_role(role, name=name, exact=True).count() > 0

        assert eventually(is_there)


def test_everything_is_done_without_a_script(person, user_id, tmp_path):
    page = person(DARK_PHONE, java_script_enabled=False).page
    hand = Hand(page)
    change_a_memory(page, hand)
    restrict_an_app(page, hand)
    make_keys_and_revoke_them(page, hand)
    take_all_along_and_bring_it_back(page, hand, tmp_path / "archive.zip")
    change_the_settings(page, hand)

    page.goto("/log")
    page.get_by_role("button", name=re.compile("^Take back: ")).first.click()
    expect(page.locator("#notice .notice")).to_be_visible()

    page.goto("/settings")
    hand.press("Sign out everywhere")
    hand.fill("User id", user_id)
    hand.fill("Password", PASSWORD)
    hand.press("Sign in")
    page.goto("/data/erase")
    hand.fill("Type the user id to confirm", user_id)
    hand.fill("Your password", PASSWORD)
    hand.press("Erase everything for good")
    expect(page.get_by_role("heading", name="Receipt of the erasure")).to_be_visible()


def change_a_memory(page: Page, hand: Hand) -> None:
    page.goto("/memories/new")
    hand.fill("Text", "I drink green tea")
    hand.press("Store it")
    page.get_by_role("link", name="Edit").click()
    hand.fill("Text", "I drink black tea")
    hand.press("Save")
    hand.sees("I drink black tea")
    hand.sees("I drink green tea")
    for name in ("Pin", "Unpin", "Pause", "Resume", "Archive", "Resume", "Delete"):
        hand.press(name)
    hand.press("Undo")
    hand.sees("1 memory is as it was before.")
    page.goto("/memories")
    page.get_by_text("Change several").click()
    page.locator("input[name=ids]").first.check()
    page.get_by_placeholder("Category").fill("drinks")
    hand.press("Add to category")
    expect(page.locator(".memory .badge", has_text="drinks")).to_be_visible()


def restrict_an_app(page: Page, hand: Hand) -> None:
    page.goto("/apps")
    hand.press("Pause: notes")
    hand.press("Resume the app")
    hand.press("Let it read nothing")
    hand.press("Let it read again")
    page.get_by_label("Find memories for a rule").fill("Rex")
    hand.press("Search")
    page.locator("input[name=ids]").first.check()
    hand.press("Keep these from it")
    hand.sees("kept from it")
    page.get_by_role("button", name=re.compile("^Remove the rule")).click()
    hand.sees("Everything.")


def make_keys_and_revoke_them(page: Page, hand: Hand) -> None:
    page.goto("/connect/curl")
    hand.press("Make a key, and show what to paste")
    hand.sees("curl has not called yet.")
    hand.press("I do not need it: revoke the key")
    page.goto("/keys")
    hand.fill("What it is for", "Backup")
    hand.press("Make the key")
    hand.sees("Copy it now: it is shown only once.")
    page.get_by_role("button", name=re.compile("^Revoke: Backup")).click()
    expect(page.get_by_text("2 that were revoked or have expired")).to_be_visible()


def take_all_along_and_bring_it_back(page: Page, hand: Hand, archive) -> None:
    page.goto("/data")
    hand.starts("Make the archive", until=("link", "Download the archive"))
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the archive").click()
    download.value.save_as(archive)
    page.goto("/data")
    page.get_by_label("Archive", exact=True).set_input_files(archive)
    hand.starts("See what would change", until=("button", "Import it"))
    hand.starts("Import it", until=("link", "See the memories"))


def change_the_settings(page: Page, hand: Hand) -> None:
    page.goto("/settings")
    page.get_by_label("is a day in").select_option("Europe/Berlin")
    hand.press("Save", region="Time zone")
    page.get_by_label("health", exact=True).check()
    hand.press("Save", region="What is remembered")
    expect(page.get_by_label("health", exact=True)).to_be_checked()
    hand.fill("New password", PASSWORD)
    hand.fill("New password (again)", PASSWORD)
    hand.press("Save the password")
    expect(page.get_by_role("heading", name="Change your password")).to_be_visible()
    hand.press("Deutsch", region="Language and colours")
    hand.press("Hell", region="Sprache und Farben")
    hand.press("English", region="Sprache und Farben")
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()


def test_each_control_is_reached_with_the_keyboard(person, user_id):
    page = person(PHONE).page
    page.goto("/memories")
    memory = page.locator(".memory-text").get_attribute("href")
    page.goto("/apps")
    app = page.get_by_role("link", name="notes", exact=True).get_attribute("href")

    page.locator(".account summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Your end users")).to_be_focused()

    missed = {}
    for path in (
        "/memories", memory, f"{memory}/edit", f"{app}?q=Rex", "/connect/cursor", "/keys", "/data",
    ):  # fmt: skip
        page.goto(path)
        for menu in page.locator("main details").all():
            menu.evaluate("menu => { menu.open = true }")
        controls = page.evaluate(NUMBER_CONTROLS)
        reached = set()
        # A date has several stops.
        for _ in range(2 * len(controls) + 20):
            page.keyboard.press("Tab")
            reached.add(page.evaluate(FOCUSED))
            if len(reached - {None}) == len(controls):
                break
        missed[path] = [html for n, html in enumerate(controls) if str(n) not in reached]

    assert {path: controls for path, controls in missed.items() if controls} == {}
