"""What DATABASE_URL and REDIS_URL say, or a sentence about what is wrong with them."""

from __future__ import annotations

import re
import ssl
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict
from redis.connection import parse_url

EXAMPLE = "postgresql://user:password@host:5432/openmemory?sslmode=require"


def parse_database_url(url: str) -> dict[str, Any]:
    """Read it as libpq does, into Django's settings. What Django has no name for are options."""
    if not url.startswith(("postgresql://", "postgres://")):
        raise ImproperlyConfigured(f"DATABASE_URL is not a URL of PostgreSQL, such as {EXAMPLE}.")
    try:
        said = conninfo_to_dict(url)
    except (psycopg.ProgrammingError, UnicodeError) as error:
        raise ImproperlyConfigured(f"DATABASE_URL cannot be read: {str(error).strip()}") from error
    # One for each host. A password with a slash that was not encoded ends up here.
    if not all(port.isdecimal() for port in str(said.get("port", "0")).split(",")):
        raise ImproperlyConfigured(f"DATABASE_URL has no number for a port: compare {EXAMPLE}.")
    return {
        "NAME": said.pop("dbname", None) or "openmemory",
        "USER": said.pop("user", ""),
        "PASSWORD": said.pop("password", ""),
        "HOST": said.pop("host", ""),
        "PORT": str(said.pop("port", "")),
        "OPTIONS": said,
    }


def parse_redis_url(url: str, *, variable: str = "REDIS_URL") -> str:
    try:
        parse_url(url)  # type: ignore[no-untyped-call]
    except ValueError:
        # What the parser says may show a password that was not encoded.
        raise ImproperlyConfigured(
            f"{variable} is not a URL such as redis://:password@host:6379/0, rediss://host/0 or "
            "unix:///path/to/a.sock, with other characters in it encoded, such as / as %2F."
        ) from None
    return url


def parse_broker_url(url: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Read where messages are sent: a URL as Celery takes it, its TLS, and its options.

    It is one of RabbitMQ, or of Redis as in REDIS_URL. TLS is checked unless the URL says
    otherwise.
    """
    scheme = urlsplit(url).scheme
    if scheme in ("amqp", "amqps"):
        return _amqp(url), {}, {}
    parse_redis_url(url, variable="CELERY_BROKER_URL")
    checked = scheme == "rediss" and "ssl_cert_reqs" not in urlsplit(url).query
    tls = {"ssl_cert_reqs": ssl.CERT_REQUIRED} if checked else {}
    # Messages that were taken and never seen to are sent again after an hour: that late, as it is
    # the sweep that finds what was left lying. Other programs may use the same database.
    return _celerys(url), tls, {"visibility_timeout": 3600, "global_keyprefix": "openmemory:"}


def _amqp(url: str) -> str:
    try:
        complete = urlsplit(url).hostname and urlsplit(url).port != 0
    except ValueError:  # a port that is no number, as after a password that was not encoded
        complete = False
    if not complete:
        raise ImproperlyConfigured(
            "CELERY_BROKER_URL is not a URL such as amqp://user:password@host:5672/vhost, with "
            "other characters in it encoded, such as / as %2F."
        )
    return url


def _celerys(url: str) -> str:
    """Name a unix socket as Celery does."""
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return url
    query = re.sub(r"(^|&)db=", r"\1virtual_host=", parts.query)
    return f"redis+socket://{parts.netloc}{parts.path}" + (f"?{query}" if query else "")
