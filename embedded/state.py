"""Where the embedded services keep their state, and where they can be reached.

Settings import this module, so it starts nothing and imports nothing of Django's but an error.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.core.exceptions import ImproperlyConfigured

# The path of a unix socket has 108 bytes on Linux and 104 on macOS, the last one a zero.
LONGEST_SOCKET_PATH = 103
POSTGRES_PORT = 5432  # only part of the socket's name: nothing listens on TCP
POSTGRES_SOCKET = f".s.PGSQL.{POSTGRES_PORT}"
VALKEY_SOCKET = "valkey.sock"


def prepare(directory: Path) -> Path:
    """Make a folder that only its owner can enter, and close it to others if it was open."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if directory.stat().st_mode & 0o077:
        directory.chmod(0o700)
    return directory


def secret_key(state_dir: Path) -> str:
    """Read the server's secret key, made once and kept in a file of mode 0600."""
    try:
        prepare(state_dir)
        # Even root would leave files in it that its owner cannot use any more.
        if state_dir.stat().st_uid != os.geteuid():
            raise PermissionError("it belongs to another user")
        return read_or_write_once(state_dir / "secret_key", secrets.token_urlsafe(50))
    except OSError as error:
        raise ImproperlyConfigured(
            f"The state folder {state_dir} cannot be used: {error}. Run as the user who owns it, "
            "or name another folder in OPENMEMORY_STATE_DIR."
        ) from error


def read_or_write_once(path: Path, text: str) -> str:
    """Return what the file says. A missing one says `text` from now on, to every process alike."""
    if not path.exists():
        # Written beside and then linked, so that no other process ever reads an empty file.
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        try:
            with os.fdopen(handle, "w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, path)
        except FileExistsError:
            pass  # another process was quicker, and its text counts
        finally:
            os.unlink(draft)  # noqa: PTH108
    return path.read_text().strip()


def write_private(path: Path, text: str) -> None:
    """Replace a file of mode 0600, whole or not at all."""
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(draft).replace(path)


def socket_folder(state_dir: Path, service: str) -> Path:
    """Tell in which folder a service's socket stands: its own one, where such a path will do.

    A long one will not, nor one with a comma, by which libpq takes hosts apart. Else it is a short
    one, whose name depends on nothing but the user and the state folder, so that every process
    finds the same. Not below TMPDIR, which differs between processes.
    """
    folder = state_dir / service
    longest = max(len(POSTGRES_SOCKET), len(VALKEY_SOCKET))
    fits = len(os.fsencode(folder)) + 1 + longest <= LONGEST_SOCKET_PATH
    if fits and "," not in str(folder):
        return folder
    digest = hashlib.sha256(os.fsencode(state_dir)).hexdigest()[:12]
    return Path(f"/tmp/openmemory-{os.getuid()}-{digest}-{service}")  # noqa: S108


def database(state_dir: Path) -> dict[str, Any]:
    """Django's settings of the embedded PostgreSQL."""
    return {
        "NAME": "openmemory",
        "USER": "openmemory",
        "PASSWORD": "",
        "HOST": str(socket_folder(state_dir, "postgres")),
        "PORT": str(POSTGRES_PORT),
        "OPTIONS": {},
    }


def broker_url(state_dir: Path) -> str:
    return f"unix://{quote(str(socket_folder(state_dir, 'valkey') / VALKEY_SOCKET))}"
