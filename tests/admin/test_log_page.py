"""The page of a line of the log: undo."""

from __future__ import annotations

import uuid

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.urls import reverse

from memories.change_log.run_name import name_run
from memories.models import LogLine, Memory, State
from tests.admin.memories import PRESSED, text_of


@pytest.fixture
def line(alice) -> LogLine:
    memory = alice.remember("Rex is a dog")
    connection.check_constraints()
    name_run(uuid.uuid4())
    Memory.objects.filter(pk=memory["id"]).change_state(State.ARCHIVED, by=alice.user)
    connection.check_constraints()
    name_run(uuid.UUID(int=0))
    return LogLine.objects.get(kind="state")


def button_of(line: LogLine, name: str) -> str:
    return reverse(f"admin:memories_logline_{name}", args=[line.pk])


@pytest.mark.parametrize("name", ["undo", "undo_all"])
def test_a_change_is_taken_back_and_written_down(browser, root, line, name):
    browser.post(button_of(line, name), PRESSED)

    assert Memory.objects.get().state == State.ACTIVE
    connection.check_constraints()
    assert LogLine.objects.order_by("sequence").last().by == root
    assert LogEntry.objects.get().change_message == "Changes of 1 memory were taken back."


def test_what_has_changed_since_is_left_and_said(browser, line):
    Memory.objects.update(metadata={"a": 1})
    connection.check_constraints()

    browser.post(button_of(line, "undo"), PRESSED)

    page = text_of(browser, reverse("admin:memories_logline_change", args=[line.pk]))
    assert "Later changes stand on this one" in page
    assert Memory.objects.get().state == State.ARCHIVED


def test_only_a_line_of_a_run_has_the_button_for_it(browser, line):
    page = reverse("admin:memories_logline_change", args=[line.pk])
    first = reverse("admin:memories_logline_change", args=[LogLine.objects.get(kind="stored").pk])

    assert "Undo the whole run" in text_of(browser, page)
    assert "Undo the whole run" not in text_of(browser, first)
