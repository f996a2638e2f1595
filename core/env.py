"""One strict parser for each type of environment variable.

An empty variable counts as unset. An invalid value stops the process with a message about the
variable and its valid values.
"""

import os
import re
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}

_RATE = re.compile(r"([1-9][0-9]{0,8})/([smhd])", re.ASCII)
# A longer file was probably named by mistake.
_MAX_SECRET_CHARACTERS = 64 * 1024
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def string(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def secret(name: str) -> str:
    """Read a secret from NAME, or from the file in NAME_FILE, such as a container's secret."""
    path = string(f"{name}_FILE")
    if not path:
        return string(name)
    if string(name):
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set: unset one of them.")
    return _read_secret(f"{name}_FILE", Path(path))


def _read_secret(variable: str, path: Path) -> str:
    try:
        with path.open() as file:
            text = file.read(_MAX_SECRET_CHARACTERS + 1)
    except UnicodeDecodeError:
        raise ImproperlyConfigured(f"{variable}: {path} is not a text file.") from None
    except OSError as error:
        raise ImproperlyConfigured(
            f"{variable}: {path} cannot be read: {error.strerror}."
        ) from error
    if len(text) > _MAX_SECRET_CHARACTERS:
        raise ImproperlyConfigured(f"{variable}: {path} is too long for a secret.")
    if not text.strip():
        raise ImproperlyConfigured(f"{variable}: {path} is empty.")
    return text.strip()


def folder(name: str) -> Path | None:
    """Read an absolute path. A relative one would depend on the server's working directory."""
    path = string(name)
    if path and not Path(path).is_absolute():
        raise ImproperlyConfigured(f"{name}={path!r} is not an absolute path.")
    return Path(path) if path else None


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


def number(name: str, default: float, *, minimum: float, maximum: float) -> float:
    raw = string(name)
    if not raw:
        return default
    try:
        value = float(raw)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={raw!r} is not a number.") from None
    # Written so that "nan" is rejected, too.
    if not minimum <= value <= maximum:
        raise ImproperlyConfigured(f"{name}={raw} is not between {minimum} and {maximum}.")
    return value


def strings(name: str, default: list[str]) -> list[str]:
    """Read a comma-separated list."""
    return _split(string(name)) or default


def secrets(name: str) -> list[str]:
    """Read a comma-separated list of secrets from NAME, or from the file in NAME_FILE."""
    return _split(secret(name))


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def names(name: str, *, max_names: int, max_length: int) -> list[str]:
    """Read a comma-separated list of unique names in lower case. Empty if unset."""
    values = list(dict.fromkeys(value.lower() for value in strings(name, [])))
    if len(values) > max_names:
        raise ImproperlyConfigured(f"{name} has {len(values)} names, more than {max_names}.")
    for value in values:
        if len(value) > max_length or not value.isprintable():
            raise ImproperlyConfigured(
                f"{name}: {value[:max_length]!r} is longer than {max_length} characters or has "
                "unprintable ones."
            )
    return values


def choice(name: str, default: str, *, among: list[str]) -> str:
    value = string(name, default)
    if value not in among:
        raise ImproperlyConfigured(f"{name}={value!r} is not one of {', '.join(among)}.")
    return value


def choices(name: str, *, among: list[str]) -> list[str]:
    """Read a comma-separated list of unique choices. Empty if unset."""
    values = list(dict.fromkeys(value.lower() for value in strings(name, [])))
    unknown = [value for value in values if value not in among]
    if unknown:
        raise ImproperlyConfigured(f"{name}: {unknown[0]!r} is not one of {', '.join(among)}.")
    return values


def rate(name: str, default: str) -> tuple[int, int] | None:
    """Read a rate such as `6000/m`, as a number and its period in seconds. None for `off`."""
    raw = string(name, default)
    if raw.lower() == "off":
        return None
    match = _RATE.fullmatch(raw)
    if match is None:
        raise ImproperlyConfigured(
            f"{name}={raw!r} is not a rate: use a number per s, m, h or d, such as {default}, or "
            "off."
        )
    number, unit = match.groups()
    return int(number), _SECONDS[unit]
