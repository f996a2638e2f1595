"""What a person does on the pages: on a phone without scripts, and with the keyboard alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.chromium import DARK_PHONE, DESKTOP, PHONE, Visit, violations
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

    def __init__(self, visit: Visit) -> None:
        self.visit, self.page = visit, visit.page

    def use(self, control: Locator) -> None:
        control.click()

    def check(self, control: Locator) -> None:
        control.check()

    def write(self, control: Locator, text: str) -> None:
        control.fill(text)

    def choose(self, control: Locator, option: str) -> None:
        control.select_option(option)

    def take_all(self) -> None:
        """Choose all that match instead of those that are selected."""
        self.all_that_match().check()

    def all_that_match(self) -> Locator:
        return self.page.get_by_role("radio", name=re.compile("^All "))

    def attach(self, control: Locator, file: Path) -> None:
        control.set_input_files(file)

    def press(self, name: str | re.Pattern[str], *, region: str = "") -> None:
        part = self.page.get_by_role("region", name=region) if region else self.page
        self.use(part.get_by_role("button", name=name, exact=True).first)

    def fill(self, label: str, text: str) -> None:
        self.write(self.page.get_by_label(label, exact=True), text)

    def sees(self, text: str) -> None:
        expect(self.page.locator("main").get_by_text(text).first).to_be_visible()
        assert not self.visit.is_wider_than_the_screen()

    def starts(self, button: str, *, until: tuple[Any, str]) -> None:
        """Start a job, and look again by hand until it has ended."""
        role, name = until
        with self.page.expect_navigation(url="**/data/jobs/*"):
            self.press(button)

        def is_there() -> bool:
            self.page.goto(self.page.url)
            return self.page.get_by_role(role, name=name, exact=True).count() > 0

        assert eventually(is_there)


class Keyboard(Hand):
    """Somebody without a pointer, who goes from control to control, and never to a pixel."""

    def __init__(self, visit: Visit) -> None:
        super().__init__(visit)
        self.examined: set[str] = set()

    def reach(self, control: Locator) -> None:
        for _ in range(400):
            if control.evaluate("control => control === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(control)

    def use(self, control: Locator) -> None:
        self.reach(control)
        control.press("Enter")

    def check(self, control: Locator) -> None:
        self.reach(control)
        control.press("Space")

    def write(self, control: Locator, text: str) -> None:
        self.reach(control)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)

    def choose(self, control: Locator, option: str) -> None:
        self.reach(control)
        self.page.keyboard.type(option)

    def take_all(self) -> None:
        self.reach(self.page.get_by_label("The selected ones"))
        self.page.keyboard.press("ArrowDown")
        expect(self.all_that_match()).to_be_checked()

    def attach(self, control: Locator, file: Path) -> None:
        self.reach(control)
        with self.page.expect_file_chooser() as chooser:
            self.page.keyboard.press("Space")
        chooser.value.set_files(file)

    def sees(self, text: str) -> None:
        super().sees(text)
        if self.page.url not in self.examined:
            self.examined.add(self.page.url)
            assert violations(self.page) == []


@pytest.mark.parametrize(
    ("look", "hand_of", "has_script"),
    [(DARK_PHONE, Hand, False), (DESKTOP, Keyboard, True)],
    ids=["without a script", "by the keyboard alone"],
)
def test_everything_is_done(person, user_id, tmp_path, look, hand_of, has_script):
    visit = person(look, java_script_enabled=has_script)
    page, hand = visit.page, hand_of(visit)
    change_a_memory(page, hand)
    change_all(page, hand)
    restrict_an_app(page, hand)
    make_keys_and_revoke_them(page, hand)
    take_all_along_and_bring_it_back(page, hand, tmp_path / "archive.zip")
    change_the_settings(page, hand)

    page.goto("/log")
    hand.press(re.compile("^Take back: "))
    expect(page.locator("#notice .notice")).to_be_visible()

    page.goto("/settings")
    hand.press("Sign out everywhere")
    hand.fill("User id", user_id)
    hand.fill("Password", PASSWORD)
    hand.press("Sign in")
    page.wait_for_url("**/memories")
    page.goto("/data/erase")
    hand.fill("Type the user id to confirm", user_id)
    hand.fill("Your password", PASSWORD)
    hand.press("Erase everything for good")
    hand.sees("Receipt of the erasure")


def change_a_memory(page: Page, hand: Hand) -> None:
    page.goto("/memories")
    hand.use(page.get_by_role("link", name="Add a memory"))
    hand.fill("Text", "I drink green tea")
    hand.press("Store it")
    hand.use(page.get_by_role("link", name="Edit"))
    hand.fill("Text", "I drink black tea")
    hand.press("Save")
    hand.sees("I drink black tea")
    hand.sees("I drink green tea")
    for name in ("Pin", "Unpin", "Pause", "Resume", "Archive", "Resume", "Delete"):
        hand.press(name)
    hand.press("Undo")
    hand.sees("1 memory is as it was before.")
    page.goto("/memories")
    hand.use(page.get_by_text("Change several"))
    hand.check(page.locator("input[name=ids]").first)
    hand.write(page.get_by_placeholder("Category"), "drinks")
    hand.press("Add to category")
    expect(page.locator(".memory .badge", has_text="drinks")).to_be_visible()


def change_all(page: Page, hand: Hand) -> None:
    page.goto("/memories")
    hand.use(page.get_by_text("Change several"))
    hand.take_all()
    hand.press("Archive")
    hand.sees("Archive 2 memories?")
    hand.press("Archive")
    hand.sees("Archived 2 memories.")
    hand.press("Undo")
    hand.sees("2 memories are as they were before.")


def restrict_an_app(page: Page, hand: Hand) -> None:
    page.goto("/apps")
    hand.press("Pause: notes")
    hand.press("Resume the app")
    hand.press("Let it read nothing")
    hand.press("Let it read again")
    hand.fill("Find memories for a rule", "Rex")
    hand.press("Search")
    hand.check(page.locator("input[name=ids]").first)
    hand.press("Keep these from it")
    hand.sees("kept from it")
    hand.press(re.compile("^Remove the rule"))
    hand.sees("Everything.")


def make_keys_and_revoke_them(page: Page, hand: Hand) -> None:
    page.goto("/connect/curl")
    hand.press("Make a key, and show what to paste")
    hand.sees("curl has not called yet.")
    hand.press("I do not need it: revoke the key")
    hand.sees("The key was revoked.")
    hand.fill("What it is for", "Backup")
    hand.press("Make the key")
    hand.sees("Copy it now: it is shown only once.")
    hand.press(re.compile("^Revoke: Backup"))
    hand.sees("2 that were revoked or have expired")


def take_all_along_and_bring_it_back(page: Page, hand: Hand, archive: Path) -> None:
    page.goto("/data")
    hand.starts("Make the archive", until=("link", "Download the archive"))
    with page.expect_download() as download:
        hand.use(page.get_by_role("link", name="Download the archive"))
    download.value.save_as(archive)
    page.goto("/data")
    hand.attach(page.get_by_label("Archive", exact=True), archive)
    hand.starts("See what would change", until=("button", "Import it"))
    hand.sees("What an import would change")
    hand.starts("Import it", until=("link", "See the memories"))


def change_the_settings(page: Page, hand: Hand) -> None:
    page.goto("/settings")
    hand.choose(page.get_by_label("is a day in"), "Europe/Berlin")
    hand.press("Save", region="Time zone")
    hand.sees("Times are now shown in this time zone.")
    expect(page.get_by_label("is a day in")).to_have_value("Europe/Berlin")
    hand.check(page.get_by_label("health", exact=True))
    hand.press("Save", region="What is remembered")
    hand.sees("What is stored from now on follows this.")
    expect(page.get_by_label("health", exact=True)).to_be_checked()
    hand.fill("New password", PASSWORD)
    hand.fill("New password (again)", PASSWORD)
    hand.press("Save the password")
    hand.sees("Change your password")
    hand.press("Deutsch", region="Language and colours")
    hand.press("Hell", region="Sprache und Farben")
    hand.press("English", region="Sprache und Farben")
    hand.sees("Settings")


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
