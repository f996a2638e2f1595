"""The log: what has changed, by whom, and taking a change back."""

from __future__ import annotations

import html
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from memories.lifecycle.purge import purge
from memories.models import LogLine, Memory
from pages.views import own_log_page
from tests.cast import Member


@pytest.fixture
def rex(alice: Member) -> str:
    """A memory that was edited, and then paused."""
    memory_id = alice.remember("Rex is a dog", infer=False)["id"]
    write_lines()
    alice.put(f"/memories/{memory_id}", {"memory_content": "Rex is a cat"})
    write_lines()
    alice.post("/memories/actions/pause", {"memory_ids": [memory_id], "state": "paused"})
    write_lines()
    return memory_id


def write_lines():
    """As the database does at the end of a transaction."""
    connection.check_constraints()


def page_of(answer, status=200):
    assert answer.status_code == status, answer.content
    return html.unescape(answer.content.decode())


def undo_addresses(page):
    return re.findall(r'action="(/log/\d+/undo)"', page)


def test_the_last_change_of_a_memory_is_taken_back_and_then_the_one_before(browser, alice, rex):
    [pause] = undo_addresses(page_of(browser.get("/log")))

    assert browser.post(pause).headers["Location"] == "/log"
    write_lines()

    page = page_of(browser.get("/log"))
    assert "1 memory is as it was before." in page
    assert Memory.objects.get().state == "active"
    assert LogLine.objects.of_user(alice.user).latest("sequence").by == alice.user
    [again] = undo_addresses(page)
    browser.post(again)
    assert Memory.objects.get().state == "paused"


def test_what_a_later_change_stands_on_stays_and_the_page_says_why(browser, rex):
    page = page_of(browser.post("/log/2/undo"), 409)

    assert "A later change stands on this one." in page
    assert Memory.objects.get().content == "Rex is a cat"


def test_the_page_says_what_was_done_by_whom_and_links_what_is_there(browser, alice, rex):
    page = page_of(browser.get("/log"))
    kinds = re.findall(r"<strong>([^<]+)</strong>\s*<div>", page)
    assert kinds == ["State changed", "Edited", "Stored"]
    assert "Rex is a dog" in page
    assert page.count(f'href="/memories/{rex}"') == 3

    purge([rex])
    write_lines()

    page = page_of(browser.get("/log"))
    assert "Rex" not in page
    assert page.count("Its content is gone.") == 4  # and that it was removed
    assert undo_addresses(page) == []


@pytest.mark.parametrize("path", ["/log/9/undo", f"/log/{10**30}/undo", "/log/0/undo"])
def test_a_line_that_is_not_there_is_not_found(browser, rex, path):
    page_of(browser.post(path), 404)


@pytest.mark.parametrize("before", ["x", "-1", "²", "9" * 25, ""])
def test_a_place_that_is_none_shows_the_latest(browser, rex, before):
    assert "Rex is a cat" in page_of(browser.get("/log", {"before": before}))


def test_more_lines_cost_no_more_sql(browser, alice):
    def queries():
        write_lines()
        with CaptureQueriesContext(connection) as captured:
            assert browser.get("/log").status_code == 200
        return len(captured)

    alice.remember("Tea", infer=False)
    before = queries()
    for number in range(3):
        alice.remember(f"Memory {number}", app=f"app-{number}", infer=False)

    assert queries() == before


def test_all_lines_are_reached(browser, rex, monkeypatch):
    monkeypatch.setattr(own_log_page, "SHOWN", 2)

    first = page_of(browser.get("/log"))

    [earlier] = re.findall(r'rel="next" href="([^"]+)"', first)
    page = page_of(browser.get(earlier))
    assert re.findall(r"<strong>([^<]+)</strong>\s*<div>", page) == ["Stored"]
    assert "The latest" in page
