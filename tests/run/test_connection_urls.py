from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from openmemory import connection_urls


def test_a_database_url_says_everything_there_is_to_a_connection() -> None:
    url = "postgresql://al%40ice:s%2Fecret@db.example:5433/mem%20ory?sslmode=require&keepalives=0"

    assert connection_urls.database(url) == {
        "NAME": "mem ory",
        "USER": "al@ice",
        "PASSWORD": "s/ecret",
        "HOST": "db.example",
        "PORT": "5433",
        "OPTIONS": {"sslmode": "require", "keepalives": "0"},
    }


def test_a_database_url_may_leave_out_all_but_the_host() -> None:
    assert connection_urls.database("postgres://db.example") == {
        "NAME": "openmemory",
        "USER": "",
        "PASSWORD": "",
        "HOST": "db.example",
        "PORT": "",
        "OPTIONS": {},
    }


def test_a_database_url_may_name_a_unix_socket() -> None:
    said = connection_urls.database("postgresql://alice@%2FVar%2Frun/memory")

    assert (said["HOST"], said["USER"], said["NAME"]) == ("/Var/run", "alice", "memory")


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:secret@host/x",
        "host=db.example password=secret",
        "postgresql://u:secret@host:port:5/x",
        "postgresql://u:secret@host/x?no_such_option=1",
        "postgresql://u:secret@host/x%zz",
    ],
)
def test_a_wrong_database_url_is_explained_without_its_password(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL") as refusal:
        connection_urls.database(url)

    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("url", ["redis://h:6379/0", "rediss://:p@h", "unix:///a/valkey.sock"])
def test_a_redis_url_is_taken_as_it_is(url: str) -> None:
    assert connection_urls.redis(url) == url


@pytest.mark.parametrize("url", ["http://:secret@h", "h:6379", "redis://h:secret"])
def test_a_wrong_redis_url_is_explained_without_its_password(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="REDIS_URL") as refusal:
        connection_urls.redis(url)

    assert "secret" not in str(refusal.value)
