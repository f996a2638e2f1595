"""One strict reader for each kind of setting that comes from the environment.

A variable that is set to nothing counts as not set. A value that cannot be read stops the
process with a sentence that names the variable and says what it takes.
"""

import os

from django.core.exceptions import ImproperlyConfigured

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}


def string(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def boolean(name: str, default: bool) -> bool:
    raw = string(name).lower()
    if not raw:
        return default
    if raw in _TRUE | _FALSE:
        return raw in _TRUE
    raise ImproperlyConfigured(f"{name}={raw!r} is not a boolean: use 1 or 0.")


def integer(name: str, default: int, *, minimum: int, maximum: int) -> int:
    raw = string(name)
    if not raw:
        return default
    try:
        value = int(raw)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={raw!r} is not a whole number.") from None
    if not minimum <= value <= maximum:
        raise ImproperlyConfigured(f"{name}={value} is not between {minimum} and {maximum}.")
    return value


def strings(name: str, default: list[str]) -> list[str]:
    """Read a comma-separated list."""
    parts = [part.strip() for part in string(name).split(",")]
    return [part for part in parts if part] or default


def choice(name: str, default: str, *, among: list[str]) -> str:
    value = string(name, default)
    if value not in among:
        raise ImproperlyConfigured(f"{name}={value!r} is not one of {', '.join(among)}.")
    return value
