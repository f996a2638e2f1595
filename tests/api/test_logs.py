import io
import json
import logging
import sys

import pytest
import structlog
from django.conf import settings as django_settings
from django.db import IntegrityError, connection
from django.test import Client

from core import logs

pytestmark = pytest.mark.urls("tests.api.urls")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def log_to(monkeypatch):
    """Configure logging to a stream, and put it back as it was afterwards."""

    def configure(stream, level="INFO", format="auto"):
        monkeypatch.setattr(sys, "stdout", stream)
        logs.configure({"level": level, "format": format})
        return stream

    yield configure
    monkeypatch.undo()
    logs.configure(django_settings.LOGGING)


def lines(stream: io.StringIO) -> list[dict]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_request_is_one_line_of_json(client, log_to):
    stream = log_to(io.StringIO())

    client.get("/api/v1/echo/?secret=words", headers={"X-Request-ID": "mine"})

    [line] = lines(stream)
    assert line.pop("duration_ms") >= 0
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "request",
        "level": "info",
        "logger": "openmemory.requests",
        "method": "GET",
        "path": "/api/v1/echo/",
        "status": 200,
        "request_id": "mine",
    }


def test_who_called_is_told_by_user_and_by_the_beginning_of_the_key(client, alice, log_to):
    stream = log_to(io.StringIO())

    client.get("/api/v1/secrets/x", headers={"Authorization": f"Bearer {alice.secret}"})

    [line] = lines(stream)
    assert (line["status"], line["user_id"], line["key"]) == (404, "alice", alice.key.prefix)
    assert alice.secret not in stream.getvalue()


def test_a_body_and_a_key_that_is_refused_are_not_logged(client, db, log_to):
    stream = log_to(io.StringIO(), level="DEBUG")

    client.post("/api/v1/echo", {"text": "private"}, content_type="application/json")
    client.get("/api/v1/secrets/x", headers={"Authorization": "Bearer om_private"})

    assert "private" not in stream.getvalue()


def test_every_line_of_a_request_has_its_id(client, log_to):
    stream = log_to(io.StringIO())

    client.get("/api/v1/raises/anything", headers={"X-Request-ID": "mine"})
    logging.getLogger("elsewhere").warning("after")

    assert [line.get("request_id") for line in lines(stream)] == ["mine", "mine", None]
    assert "RuntimeError: secret internals" in lines(stream)[0]["exception"]


def test_a_refusal_is_no_second_line(client, log_to):
    stream = log_to(io.StringIO())

    client.get("/api/v1/raises/malformed")
    client.get("/api/v1/nothing")

    assert [line["status"] for line in lines(stream)] == [400, 404]


def test_machines_that_ask_all_the_time_are_not_logged(db, log_to, settings):
    settings.ROOT_URLCONF = "openmemory.urls"
    stream = log_to(io.StringIO())

    Client().get("/health/live")
    Client().get("/static/core/icon.svg").close()

    assert stream.getvalue() == ""


def test_what_is_not_ready_yet_is_told_once_and_is_no_error(client, log_to, settings):
    settings.ROOT_URLCONF = "openmemory.urls"
    settings.HEALTH_CHECKS = {"one": "tests.api.test_health.away"}
    stream = log_to(io.StringIO())

    client.get("/health/ready")

    assert [(line["level"], line["event"]) for line in lines(stream)] == [
        ("warning", "a health check failed")
    ]


def test_a_terminal_gets_readable_text_in_colour(client, log_to):
    stream = log_to(Terminal())

    client.get("/api/v1/echo")

    assert "\x1b[" in stream.getvalue()
    assert "request" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


@pytest.mark.parametrize(("format", "begins"), [("json", "{"), ("text", "20")])
def test_the_format_can_be_asked_for(client, log_to, format, begins):
    stream = log_to(io.StringIO(), format=format)

    client.get("/api/v1/echo")

    assert stream.getvalue().startswith(begins)
    assert "\x1b[" not in stream.getvalue()


def test_a_line_break_in_a_path_makes_no_line_of_its_own(client, log_to):
    for format in ("json", "text"):
        stream = log_to(io.StringIO(), format=format)

        client.get("/api/v1/x%0aforged")

        assert len(stream.getvalue().splitlines()) == 1


def test_the_level_is_kept_to(log_to):
    stream = log_to(io.StringIO(), level="WARNING")

    structlog.get_logger("openmemory").info("quiet")
    structlog.get_logger("openmemory").warning("loud")

    assert [line["event"] for line in lines(stream)] == ["loud"]


def test_a_row_that_postgresql_refused_is_not_shown(db, log_to):
    stream = log_to(io.StringIO())
    text = "private"

    try:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE said (words text CHECK (words = ''))")
            cursor.execute("INSERT INTO said VALUES (%s)", ["very\n\n" + text])
    except IntegrityError:
        logging.getLogger("elsewhere").exception("refused")

    assert "violates check constraint" in stream.getvalue()
    assert "private" not in stream.getvalue()


@pytest.mark.parametrize(
    ("argv", "name"),
    [
        (["manage.py", "run"], "stdout"),
        (["manage.py", "create_api_key", "alice"], "stderr"),
        (["manage.py"], "stderr"),
        (["bin/openmemory", "up"], "stdout"),
        (["bin/openmemory", "key", "alice"], "stderr"),
        (["server/web.py"], "stdout"),
    ],
)
def test_a_command_keeps_standard_output_for_its_answer(log_to, monkeypatch, argv, name):
    streams = {"stdout": io.StringIO(), "stderr": io.StringIO()}
    monkeypatch.setattr(sys, "argv", argv)
    monkeypatch.setattr(sys, "stderr", streams["stderr"])
    log_to(streams["stdout"])

    logging.getLogger("elsewhere").warning("said")

    assert {key: bool(stream.getvalue()) for key, stream in streams.items()} == {
        "stdout": name == "stdout",
        "stderr": name == "stderr",
    }
