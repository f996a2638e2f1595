"""Parse DATABASE_URL, REDIS_URL and CELERY_BROKER_URL, with error messages for operators.

The clients of both are imported on use: the supervisor reads settings too, and needs neither.
"""

from __future__ import annotations

import re
import ssl
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

EXAMPLE = "postgresql://user:password@host:5432/openmemory?sslmode=require"


def parse_database_url(url: str) -> dict[str, Any]:
    """Parse the URL as libpq does, into Django's settings. Other parameters become OPTIONS."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    if not url.startswith(("postgresql://", "postgres://")):
        raise ImproperlyConfigured(f"DATABASE_URL is not a PostgreSQL URL, such as {EXAMPLE}.")
    try:
        parameters = conninfo_to_dict(url)
    except (psycopg.ProgrammingError, UnicodeError) as error:
        raise ImproperlyConfigured(f"DATABASE_URL is invalid: {str(error).strip()}") from error
    # One per host. An unencoded slash in the password makes the rest of it the port.
    if not all(port.isdecimal() for port in str(parameters.get("port", "0")).split(",")):
        raise ImproperlyConfigured(f"DATABASE_URL has an invalid port: compare {EXAMPLE}.")
    return {
        "NAME": parameters.pop("dbname", None) or "openmemory",
        "USER": parameters.pop("user", ""),
        "PASSWORD": parameters.pop("password", ""),
        "HOST": parameters.pop("host", ""),
        "PORT": str(parameters.pop("port", "")),
        "OPTIONS": parameters,
    }


def parse_redis_url(url: str, *, variable: str = "REDIS_URL") -> str:
    from redis.connection import parse_url

    try:
        parse_url(url)  # type: ignore[no-untyped-call]
    except ValueError:
        # The parser's own message may show an unencoded password.
        raise ImproperlyConfigured(
            f"{variable} is not a URL such as redis://:password@host:6379/0, rediss://host/0 or "
            "unix:///path/to/a.sock. Percent-encode special characters, such as / as %2F."
        ) from None
    return url


def parse_broker_url(
    url: str, *, is_own: bool = False
) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Parse the broker's URL into Celery's URL, TLS settings and transport options.

    It is a URL of RabbitMQ, or of Redis as in REDIS_URL. TLS certificates are verified unless the
    URL says otherwise. That of our `own` Valkey needs no check.
    """
    scheme = urlsplit(url).scheme
    if scheme in ("amqp", "amqps"):
        return _check_amqp_url(url), {}, {}
    if not is_own:
        parse_redis_url(url, variable="CELERY_BROKER_URL")
    verify = scheme == "rediss" and "ssl_cert_reqs" not in urlsplit(url).query
    tls = {"ssl_cert_reqs": ssl.CERT_REQUIRED} if verify else {}
    # Unacknowledged messages are redelivered after an hour. That may be late, as the sweep finds
    # abandoned jobs. The prefix is for other programs that use the same database.
    return _celery_url(url), tls, {"visibility_timeout": 3600, "global_keyprefix": "openmemory:"}


def _check_amqp_url(url: str) -> str:
    try:
        valid = urlsplit(url).hostname and urlsplit(url).port != 0
    except ValueError:  # the port is not a number, as after an unencoded password
        valid = False
    if not valid:
        raise ImproperlyConfigured(
            "CELERY_BROKER_URL is not a URL such as amqp://user:password@host:5672/vhost. "
            "Percent-encode special characters, such as / as %2F."
        )
    return url


def _celery_url(url: str) -> str:
    """Write the URL of a unix socket as Celery does."""
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return url
    query = re.sub(r"(^|&)db=", r"\1virtual_host=", parts.query)
    return f"redis+socket://{parts.netloc}{parts.path}" + (f"?{query}" if query else "")
