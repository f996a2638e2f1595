"""What DATABASE_URL and REDIS_URL say, or a sentence about what is wrong with them."""

from __future__ import annotations

from typing import Any

import psycopg
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict
from redis.connection import parse_url

EXAMPLE = "postgresql://user:password@host:5432/openmemory?sslmode=require"


def database(url: str) -> dict[str, Any]:
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


def redis(url: str) -> str:
    try:
        parse_url(url)  # type: ignore[no-untyped-call]
    except ValueError:
        # What the parser says may show a password that was not encoded.
        raise ImproperlyConfigured(
            "REDIS_URL is not a URL such as redis://:password@host:6379/0, rediss://host/0 or "
            "unix:///path/to/a.sock, with other characters in it encoded, such as / as %2F."
        ) from None
    return url
