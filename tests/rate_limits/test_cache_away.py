"""With the cache away every request is answered, nothing waits, and the log says so once."""

import socket

import pytest
from django.core.cache import caches
from django.test import Client
from redis.connection import parse_url

from core.api import ratelimit_cache

pytestmark = pytest.mark.urls("tests.api.urls")


@pytest.fixture
def client():
    return Client(REMOTE_ADDR="192.0.2.7")


@pytest.fixture
def cache_at(settings):
    """Let limits be counted somewhere else."""

    def point(location):
        entry = {**settings.CACHES["limits"], "LOCATION": location}
        settings.CACHES = {**settings.CACHES, "limits": entry}

    yield point
    ratelimit_cache._server.cache_clear()


@pytest.fixture
def dead(tmp_path, cache_at):
    path = tmp_path / "valkey.sock"
    cache_at(f"unix://{path}")
    return path


def lines(caplog):
    return [
        record.msg["event"]
        for record in caplog.records
        if record.name == "core.api.ratelimit_cache"
    ]


def test_every_request_is_answered_and_one_line_is_logged(client, limit, dead, caplog):
    limit(reads=1)

    answers = [client.get("/api/v1/echo") for _ in range(5)]

    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["X-RateLimit-Remaining"] for answer in answers} == {"1"}
    assert lines(caplog) == ["rate limits are not enforced: the cache is unreachable"]


def test_a_wrong_key_is_still_refused(client, db, limit, dead):
    limit(failed_keys=1)

    answers = [client.get("/api/v1/secrets/x") for _ in range(3)]

    assert {answer.status_code for answer in answers} == {401}


def test_a_cache_that_does_not_answer_is_waited_for_once(client, limit, cache_at, caplog):
    limit(reads=1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        cache_at(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")

        answers = [client.get("/api/v1/echo") for _ in range(20)]

        silent.setblocking(False)
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()
    assert {answer.status_code for answer in answers} == {200}
    assert lines(caplog) == ["rate limits are not enforced: the cache is unreachable"]


def test_limits_are_counted_again_when_it_is_back(client, limit, dead, caplog, monkeypatch):
    limit(reads=1)
    here = parse_url(caches.settings["default"]["LOCATION"])["path"]
    monkeypatch.setattr(ratelimit_cache, "RETRY_SECONDS", 0.0)
    client.get("/api/v1/echo")

    dead.symlink_to(here)
    statuses = [client.get("/api/v1/echo").status_code for _ in range(3)]

    assert statuses == [200, 429, 429]
    assert lines(caplog)[-1] == "rate limits are enforced again"


def test_a_counter_that_was_lost_does_not_stay_for_ever(client, limit):
    limit(reads=5)
    client.get("/api/v1/echo")
    caches["limits"].clear()

    answer = client.get("/api/v1/echo")

    assert answer.headers["X-RateLimit-Remaining"] == "4"
    valkey = caches["limits"]._cache.get_client()
    assert [valkey.ttl(key) > 0 for key in valkey.keys("*rl:*")] == [True]
