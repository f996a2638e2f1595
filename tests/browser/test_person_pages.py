"""The pages of a person in a real browser: wide and narrow, light and dark, by keyboard, bare."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests
from playwright.sync_api import expect

from tests.browser.chromium import DARK, DARK_PHONE, DESKTOP, PHONE, violations
from tests.deadline import SECONDS
from tests.oauth.program import REDIRECT, REGISTRATION, Program
from tests.shared_server import SharedServer


def store(server: SharedServer, user_id: str, *texts: str) -> None:
    for text in texts:
        server.call("POST", "/memories", json={"user_id": user_id, "text": text, "infer": False})


def address_of_consent(server: SharedServer, redirect_uri: str = REDIRECT) -> str:
    """Where a program sends the browser that has just registered."""
    body = {**REGISTRATION, "redirect_uris": [redirect_uri]}
    answer = requests.post(f"{server.url}/oauth/register", json=body, timeout=SECONDS)
    program = Program(answer.json()["client_id"], redirect_uri)
    return program.address(resource=f"{server.url}/mcp")


def test_no_page_has_a_fault_or_is_too_wide(person, user_id, shared_server):
    visit = person()
    visit.page.goto("/memories")
    memory = visit.page.locator(".memory-text").get_attribute("href")
    visit.page.goto("/apps")
    app = visit.page.get_by_role("link", name="notes").get_attribute("href")
    paths = [
        "/settings", "/memories", "/memories?q=what+is+Rex", "/memories?state=x",
        "/memories?actor=x", "/memories/new", memory, f"{memory}?question=who+is+Rex",
        f"{memory}/edit", "/memories/x", "/apps", app, f"{app}?q=Rex", "/log", "/reads", "/connect",
        "/connect/cursor", "/keys", "/data", "/data/import-from", "/data/erase", "/end-users",
        address_of_consent(shared_server),
    ]  # fmt: skip

    found = {}
    for path in paths:
        visit.page.goto(path)
        for menu in visit.page.locator("details").all():
            menu.evaluate("menu => { menu.open = true }")
        found |= {(path, str(look)): wrong for look, wrong in faults_of(visit)}
    visit.faults[:] = [fault for fault in visit.faults if "status of 40" not in fault]
    visit.page.context.clear_cookies()
    visit.page.goto("/")
    found |= {("/", str(look)): wrong for look, wrong in faults_of(visit)}

    assert {page: wrong for page, wrong in found.items() if wrong != ([], False)} == {}


def faults_of(visit):
    """What is wrong with a page in each look, and whether it is too wide."""
    for look in (DESKTOP, DARK, PHONE, DARK_PHONE):
        visit.look_at(look)
        yield look, (violations(visit.page), visit.is_wider_than_the_screen())


def test_one_searches_while_one_types_deletes_all_and_takes_it_back(person, shared_server, user_id):
    store(shared_server, user_id, "Tea is green", "Coffee is black")
    visit = person()
    page = visit.page
    page.goto("/memories")

    page.keyboard.press("/")
    page.keyboard.type("which drink is green")
    expect(page.locator(".memory-text").first).to_have_text("Tea is green")
    expect(page.get_by_label("Search your memories")).to_be_focused()
    assert page.url.endswith("/memories?q=which+drink+is+green")
    order = page.get_by_label("Order")
    expect(order.locator("option:checked")).to_have_text("Best match")
    order.select_option("Oldest first")
    expect(page.locator(".memory-text").last).to_have_text("Coffee is black")

    page.goto("/memories")
    page.get_by_label("Select all on this page").check()
    expect(page.locator("[data-selected]")).to_have_text("3")
    page.locator(".bar").get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("Deleted 3 memories.")).to_be_visible()
    expect(page.get_by_text("Nothing is remembered yet")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".memory-text")).to_have_count(3)


def test_a_program_is_connected_and_the_test_turns_green(person, shared_server):
    visit = person()
    page = visit.page
    page.goto("/connect")
    page.get_by_role("link", name="Cursor").click()
    page.get_by_role("button", name="Make a key, and show what to paste").click()

    expect(page.get_by_text("Cursor has not called yet.")).to_be_visible()
    expect(page.get_by_label("What installs the plug-in")).to_contain_text("/plugins/bundle.json")
    page.get_by_text("Only the tools, without the plug-in").click()
    assert (violations(page), visit.is_wider_than_the_screen()) == ([], False)
    snippet = json.loads(page.locator("#snippet").inner_text())["mcpServers"]["openmemory"]
    requests.get(
        f"{shared_server.url}/api/v1/memories", headers=snippet["headers"], timeout=60
    ).raise_for_status()

    expect(page.get_by_text("Cursor has called")).to_be_visible()


def test_all_of_it_works_without_a_script(person, shared_server, user_id):
    store(shared_server, user_id, "Tea is green", "Coffee is black")
    visit = person(PHONE, java_script_enabled=False)
    page = visit.page
    page.goto("/memories")

    page.get_by_label("Search your memories").fill("which drink is green")
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".memory-text").first).to_have_text("Tea is green")

    page.goto("/memories")
    page.get_by_text("Change several").click()
    page.get_by_label("All 3").check()
    page.locator(".bar").get_by_role("button", name="Pause", exact=True).click()
    expect(page.get_by_role("heading", name="Pause 3 memories?")).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused 3 memories.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("3 memories are as they were before.")).to_be_visible()

    page.locator(".account summary").click()
    page.get_by_role("button", name="Dark").click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.locator(".account summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


class Callback(BaseHTTPRequestHandler):
    """What a program does with the browser that comes back: it sends it on to another origin."""

    def do_GET(self) -> None:
        host, port = "localhost", self.server.server_address[1]
        is_first = self.path.startswith("/callback")
        self.send_response(302 if is_first else 200)
        if is_first:
            self.send_header("Location", f"http://{host}:{port}/done?{self.path.partition('?')[2]}")
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!DOCTYPE html><html lang=en><title>Done</title><h1>Connected</h1>")

    def log_message(self, *arguments: object) -> None:
        pass


def test_a_program_is_let_in_and_its_own_redirects_are_followed(person, shared_server):
    program = ThreadingHTTPServer(("127.0.0.1", 0), Callback)
    threading.Thread(target=program.serve_forever, args=(0.01,), daemon=True).start()
    visit = person()
    try:
        uri = f"http://127.0.0.1:{program.server_port}/callback"
        visit.page.goto(address_of_consent(shared_server, uri))
        visit.page.get_by_label("Only read memories").check()
        assert visit.faults == []
        visit.page.get_by_role("button", name="Allow").click()
        visit.page.wait_for_url(f"http://localhost:{program.server_port}/done?code=*")
        visit.page.goto("about:blank")
    finally:
        program.shutdown()
        program.server_close()
        visit.faults.clear()  # those of the program's own pages
