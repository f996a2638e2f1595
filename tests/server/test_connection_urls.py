from __future__ import annotations

import socket
import ssl

import pytest
from django.core.exceptions import ImproperlyConfigured
from kombu import Connection
from kombu.transport.redis import Channel

from core import connection_urls
from jobs.wakeup import CONNECT_ONCE


def test_a_database_url_says_everything_there_is_to_a_connection() -> None:
    url = "postgresql://al%40ice:s%2Fecret@db.example:5433/mem%20ory?sslmode=require&keepalives=0"

    assert connection_urls.parse_database_url(url) == {
        "NAME": "mem ory",
        "USER": "al@ice",
        "PASSWORD": "s/ecret",
        "HOST": "db.example",
        "PORT": "5433",
        "OPTIONS": {"sslmode": "require", "keepalives": "0"},
    }


def test_a_database_url_may_leave_out_all_but_the_host() -> None:
    assert connection_urls.parse_database_url("postgres://db.example") == {
        "NAME": "openmemory",
        "USER": "",
        "PASSWORD": "",
        "HOST": "db.example",
        "PORT": "",
        "OPTIONS": {},
    }


def test_a_database_url_may_name_a_unix_socket() -> None:
    said = connection_urls.parse_database_url("postgresql://alice@%2FVar%2Frun/memory")

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
        connection_urls.parse_database_url(url)

    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("url", ["redis://h:6379/0", "rediss://:p@h", "unix:///a/valkey.sock"])
def test_a_redis_url_is_taken_as_it_is(url: str) -> None:
    assert connection_urls.parse_redis_url(url) == url


@pytest.mark.parametrize("url", ["http://:secret@h", "h:6379", "redis://h:secret"])
def test_a_wrong_redis_url_is_explained_without_its_password(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="REDIS_URL") as refusal:
        connection_urls.parse_redis_url(url)

    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    ("url", "connects_to"),
    [
        (
            "redis://:s%2Fecret@h:6380/2",
            {"host": "h", "port": 6380, "password": "s/ecret", "db": 2},
        ),
        ("rediss://h/1", {"host": "h", "db": 1, "ssl_cert_reqs": ssl.CERT_REQUIRED}),
        ("rediss://h/1?ssl_cert_reqs=none", {"host": "h", "ssl_cert_reqs": ssl.CERT_NONE}),
        ("unix:///a%20b/valkey.sock?db=3", {"path": "/a b/valkey.sock", "db": 3}),
    ],
)
def test_a_broker_is_the_redis_that_its_url_names(url: str, connects_to: dict[str, object]) -> None:
    taken, tls, options = connection_urls.parse_broker_url(url)

    connection = Connection(taken, ssl=tls, transport_options=options)
    channel = object.__new__(Channel)  # which would connect as it is made
    channel.connection = connection.transport
    parameters = channel._connparams()
    assert {name: parameters[name] for name in connects_to} == connects_to


@pytest.mark.parametrize("scheme", ["amqp", "amqps"])
def test_a_broker_may_be_rabbitmq(scheme: str) -> None:
    url = f"{scheme}://user:s%2Fecret@rabbit.invalid:5679/a%2Fb"

    taken, tls, options = connection_urls.parse_broker_url(url)

    connection = Connection(taken, ssl=tls, transport_options={**options, **CONNECT_ONCE})
    assert (connection.hostname, connection.port) == ("rabbit.invalid", 5679)
    assert (connection.password, connection.virtual_host) == ("s/ecret", "a/b")
    # It reads every option, and fails only at the host, which there is not.
    with pytest.raises(socket.gaierror):
        connection.transport.establish_connection()


@pytest.mark.parametrize(
    "url",
    ["amqp://", "amqp://u:se/cret@h/x", "sqs://u:secret@h", "redis://u:secret@h:port:5/0"],
)
def test_a_wrong_broker_url_is_explained_without_its_password(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="CELERY_BROKER_URL") as refusal:
        connection_urls.parse_broker_url(url)

    assert "cret" not in str(refusal.value)
