"""No log and no terminal is sent what users wrote to steer it."""

import json
import logging

import pytest
import structlog

from core import logs
from core.printable import escape_json, escape_unprintable

HOSTILE = "a\x1b[2J\x07b\r\nc\x9b31m\x7f\u202ed\u2066e\u200ff\u2028g\ud800h\U000e0041"


def log_line(kind, level="info", **fields):
    """What the formatter of a log makes of an event with these fields."""
    event = {"event": fields.pop("event", "request"), "level": level, **fields}
    record = logging.LogRecord("test", logging.INFO, "file.py", 1, event, (), None)
    record.__dict__.update(_logger=structlog.get_logger(), _name="info")
    return logs._formatter(kind).format(record)


@pytest.mark.parametrize("kind", ["text", "json"])
@pytest.mark.parametrize("place", ["event", "path", "user_id"])
def test_a_line_of_a_log_is_one_printable_line(kind, place):
    line = log_line(kind, **{place: HOSTILE})

    assert line.isprintable()
    assert "[2J" in line
    line.encode()


def test_json_still_says_what_was_written():
    assert json.loads(log_line("json", path=HOSTILE))["path"] == HOSTILE


@pytest.mark.parametrize("kind", ["text", "json"])
def test_messages_of_other_libraries_are_escaped(kind):
    record = logging.LogRecord("lib", logging.INFO, "f.py", 1, "got %s", (HOSTILE,), None)

    assert logs._formatter(kind).format(record).isprintable()


@pytest.mark.parametrize("kind", ["text", "json"])
def test_a_nested_value_and_a_name_are_escaped(kind):
    assert log_line(kind, nested={"a": [HOSTILE]}).isprintable()
    assert log_line(kind, **{HOSTILE: "x"}).isprintable()


def test_a_traceback_keeps_its_lines_and_nothing_else():
    line = log_line("text", exception=f"Traceback:\n\tValueError: {HOSTILE}")

    assert "Traceback:\n\tValueError" in line
    assert all(character.isprintable() or character in "\n\t" for character in line)


def test_text_of_every_language_stays_as_it_is():
    text = "Café 北京 тест שלום مرحبا 👍 — “x”"

    assert escape_unprintable(text) == text
    assert escape_json(text) == text


def test_what_is_kept_is_kept():
    assert escape_unprintable("a\n\x1bb", keep="\n") == "a\n\\x1bb"
