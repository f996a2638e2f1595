"""A Chromium without a screen, and what it may not do while a page is looked at."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "google-chrome")

# Pixels below which the admin keeps the buttons of a page in a menu.
NARROW = 1024

# Nothing of its own goes out, and it starts as root and without a screen.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def found() -> str | None:
    """The path of a Chromium on this machine."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def violations(page: Page) -> list[tuple[str, str]]:
    """What is wrong by all rules, those of good practice among them."""
    found = Axe().run(page).response["violations"]
    return [(each["id"], each["nodes"][0]["html"]) for each in found]


@dataclass(frozen=True)
class Look:
    """How a page is looked at."""

    name: str
    width: int
    height: int
    scheme: str  # `light` or `dark`

    def __str__(self) -> str:
        return self.name


DESKTOP = Look("desktop", 1360, 1000, "light")
DARK = Look("dark", 1360, 1000, "dark")
PHONE = Look("phone", 390, 844, "light")
DARK_PHONE = Look("dark phone", 390, 844, "dark")


@contextmanager
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found(), args=FLAGS)
        yield started
        started.close()


class Visit:
    """One person in front of a browser: what goes wrong in it is noted in `faults`."""

    def __init__(self, browser: Browser, url: str, look: Look, **options: Any) -> None:
        self.url = url
        self.look = look
        self.faults: list[str] = []
        viewport = {"width": look.width, "height": look.height}
        self._context = browser.new_context(
            viewport=viewport, color_scheme=look.scheme, base_url=url, **options
        )
        self._context.set_default_timeout(120_000)
        self._context.on("request", self._see_request)
        self.page: Page = self._context.new_page()
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", self._see_message)

    def look_at(self, look: Look) -> None:
        """Look at the page that is open in another way."""
        self.look = look
        self.page.set_viewport_size({"width": look.width, "height": look.height})
        self.page.emulate_media(color_scheme=look.scheme)

    def sign_in(self, user_id: str, password: str) -> None:
        self.page.goto("/admin/")
        self.page.get_by_label("User id").fill(user_id)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url(f"{self.url}/admin/")

    def press(self, name: str) -> None:
        """Open the dialog of a button, which a phone keeps in a menu."""
        if self.look.width < NARROW:
            self.page.locator("#header-inner").get_by_text("more_horiz").click()
        self.follow(name)
        self.page.locator("#dialog").wait_for()

    def follow(self, name: str) -> None:
        """Follow a link, whether or not it has an icon, whose name is a text to Playwright."""
        self.page.get_by_role("link", name=re.compile(rf"^(\w+\s*)?{name}$")).click()

    def confirm(self) -> None:
        self.page.locator("#dialog button[type=submit]").click()

    def is_wider_than_the_screen(self) -> bool:
        wide = self.page.evaluate("document.documentElement.scrollWidth")
        return bool(wide > self.look.width)

    def close(self) -> None:
        self._context.close()

    def _see_request(self, request: Any) -> None:
        if not request.url.startswith((self.url, "data:", "blob:")):
            self.faults.append(f"It asked {request.url}")

    def _see_message(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(message.text)
