import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.utils.module_loading import import_string

from core.api import health
from core.errors import Unavailable
from tests.deadline import SECONDS

released = threading.Event()


def well() -> None:
    pass


def away() -> None:
    raise Unavailable("The embedder is away.")


def broken() -> None:
    raise ValueError("secret internals")


def hanging() -> None:
    released.wait(SECONDS)


@pytest.fixture
def checks(settings):
    def use(**names):
        settings.HEALTH_CHECKS = {
            name: f"tests.api.test_health.{check}" for name, check in names.items()
        }

    return use


def test_a_living_server_says_so_without_any_statement(client, django_assert_num_queries, db):
    with django_assert_num_queries(0):
        answer = client.get("/health/live")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ok"}
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_a_last_slash_changes_nothing(client, checks, path):
    checks(one="well")

    assert client.get(f"{path}/").json() == client.get(path).json()


def test_a_server_whose_services_answer_is_ready(client, db, settings):
    settings.HEALTH_CHECKS = {name: f"core.api.health.{name}" for name in ("database", "broker")}

    answer = client.get("/health/ready")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "checks": {"database": "ok", "broker": "ok"}}


def test_every_check_that_is_set_can_be_found(settings):
    assert {"database", "broker", "embedder"} <= set(settings.HEALTH_CHECKS)
    for path in settings.HEALTH_CHECKS.values():
        assert callable(import_string(path))


def test_what_is_wrong_is_told_in_a_sentence(client, checks):
    checks(one="well", two="away", three="broken")

    answer = client.get("/health/ready")

    assert answer.status_code == 503
    assert answer.json() == {
        "status": "unavailable",
        "checks": {
            "one": "ok",
            "two": "The embedder is away.",
            "three": "The check itself failed.",
        },
    }


def test_a_check_that_hangs_is_given_up_and_holds_up_no_other(client, checks, monkeypatch):
    monkeypatch.setattr(health, "TIMEOUT", 0.1)
    checks(stuck="hanging", other="well")

    first, second = client.get("/health/ready"), client.get("/health/ready")
    released.set()

    for answer in (first, second):
        assert answer.status_code == 503
        assert answer.json()["checks"] == {
            "stuck": "No answer within 0.1 seconds.",
            "other": "ok",
        }


def test_a_database_that_is_away_is_told(db, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "HOST", "/nowhere")
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", {})

    # A thread has a connection of its own, so the test keeps the one that it has.
    with ThreadPoolExecutor() as other, pytest.raises(Unavailable, match="database"):
        other.submit(health.database).result()


def test_a_broker_that_is_away_is_told(settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "unix:///nowhere/valkey.sock",
        }
    }

    with pytest.raises(Unavailable, match="broker"):
        health.broker()
