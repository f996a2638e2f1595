"""One strict reader for each kind of setting that comes from the environment.

A variable that is set to nothing counts as not set. A value that cannot be read stops the
process with a sentence that names the variable and says what it takes.
"""

import os
import re
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}

_RATE = re.compile(r"([1-9][0-9]{0,8})/([smhd])", re.ASCII)
# Characters of a file with a secret. What is longer is another file, named by mistake.
_LONGEST_SECRET = 64 * 1024
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def string(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def secret(name: str) -> str:
    """Read a secret, or the file that NAME_FILE names, such as a secret of a container."""
    path = string(f"{name}_FILE")
    if not path:
        return string(name)
    if string(name):
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set: keep one of them.")
    return _one_secret(f"{name}_FILE", Path(path))


def _one_secret(variable: str, path: Path) -> str:
    try:
        with path.open() as file:
            text = file.read(_LONGEST_SECRET + 1)
    except UnicodeDecodeError:
        raise ImproperlyConfigured(f"{variable}: {path} is not a text.") from None
    except OSError as error:
        raise ImproperlyConfigured(
            f"{variable}: {path} cannot be read: {error.strerror}."
        ) from error
    if len(text) > _LONGEST_SECRET:
        raise ImproperlyConfigured(f"{variable}: {path} is too long for a secret.")
    if not text.strip():
        raise ImproperlyConfigured(f"{variable}: {path} is empty.")
    return text.strip()


def folder(name: str) -> Path | None:
    """Read an absolute path: what is relative would depend on where the server was started."""
    raw = string(name)
    if raw and not Path(raw).is_absolute():
        raise ImproperlyConfigured(f"{name}={raw!r} is not an absolute path.")
    return Path(raw) if raw else None


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
    # Said so that what is not a number to Python either, "nan", is refused as well.
    if not minimum <= value <= maximum:
        raise ImproperlyConfigured(f"{name}={raw} is not between {minimum} and {maximum}.")
    return value


def strings(name: str, default: list[str]) -> list[str]:
    """Read a comma-separated list."""
    return _parts(string(name)) or default


def secrets(name: str) -> list[str]:
    """Read a comma-separated list of secrets, or the file of NAME_FILE."""
    return _parts(secret(name))


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def names(name: str, *, most: int, longest: int) -> list[str]:
    """Read a comma-separated list of names, each once and in lower case. Empty when not set."""
    parts = list(dict.fromkeys(part.lower() for part in strings(name, [])))
    if len(parts) > most:
        raise ImproperlyConfigured(f"{name} has {len(parts)} names, which is more than {most}.")
    for part in parts:
        if len(part) > longest or not part.isprintable():
            raise ImproperlyConfigured(
                f"{name}: {part[:longest]!r} is longer than {longest} characters, or has some that "
                "cannot be printed."
            )
    return parts


def choice(name: str, default: str, *, among: list[str]) -> str:
    value = string(name, default)
    if value not in among:
        raise ImproperlyConfigured(f"{name}={value!r} is not one of {', '.join(among)}.")
    return value


def choices(name: str, *, among: list[str]) -> list[str]:
    """Read a comma-separated list of some of these, each once. Empty when not set."""
    chosen = list(dict.fromkeys(part.lower() for part in strings(name, [])))
    unknown = [part for part in chosen if part not in among]
    if unknown:
        raise ImproperlyConfigured(f"{name}: {unknown[0]!r} is not one of {', '.join(among)}.")
    return chosen


def rate(name: str, default: str) -> tuple[int, int] | None:
    """Read how often, such as `6000/m`, as a number and the seconds it is for. None for `off`."""
    raw = string(name, default)
    if raw.lower() == "off":
        return None
    match = _RATE.fullmatch(raw)
    if match is None:
        raise ImproperlyConfigured(
            f"{name}={raw!r} is not a rate: use a number for each s, m, h or d, such as {default}, "
            "or off."
        )
    number, unit = match.groups()
    return int(number), _SECONDS[unit]
