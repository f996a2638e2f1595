"""The files and addresses of the embedded services.

Settings import this module, so it starts nothing and imports only an error from Django.
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

# The path of a unix socket has at most 108 bytes on Linux and 104 on macOS, including a final zero.
MAX_SOCKET_PATH = 103
POSTGRES_PORT = 5432  # only a part of the socket's name: nothing listens on TCP
POSTGRES_SOCKET = f".s.PGSQL.{POSTGRES_PORT}"
VALKEY_SOCKET = "valkey.sock"


def ensure_private(directory: Path) -> Path:
    """Ensure that the folder exists and that only its owner can enter it."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if directory.stat().st_mode & 0o077:
        directory.chmod(0o700)
    return directory


def dump_folder(state_dir: Path) -> Path:
    """The folder of the dumps of the database that are written before upgrades."""
    return state_dir / "before-upgrade"


def list_dumps(state_dir: Path) -> list[Path]:
    """The dumps of the database from before upgrades, the newest first."""
    return sorted(dump_folder(state_dir).glob("*.dump"), reverse=True)


def secret_key(state_dir: Path) -> str:
    """Return the server's secret key, generated once and stored in a file of mode 0600."""
    try:
        ensure_private(state_dir)
        # Root, too: it would leave files that the owner cannot use.
        if state_dir.stat().st_uid != os.geteuid():
            raise PermissionError("it belongs to another user")
        return read_or_write_once(state_dir / "secret_key", secrets.token_urlsafe(50))
    except OSError as error:
        raise ImproperlyConfigured(
            f"The state folder {state_dir} is not usable: {error}. Run as its owner, or set "
            "OPENMEMORY_STATE_DIR to another folder."
        ) from error


def read_or_write_once(path: Path, text: str) -> str:
    """Return the content of the file. A missing one is created with `text`, by one process only."""
    if not path.exists():
        # Written to a draft and then linked, so that no other process ever reads an empty file.
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        try:
            with os.fdopen(handle, "w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, path)
        except FileExistsError:
            pass  # another process was faster: its text counts
        finally:
            os.unlink(draft)  # noqa: PTH108
    return path.read_text().strip()


def write_private(path: Path, text: str) -> None:
    """Replace a file of mode 0600 atomically."""
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(draft).replace(path)


def socket_folder(state_dir: Path, service: str) -> Path:
    """Return the folder of a service's socket: the service's own folder, if its path is usable.

    A long path is not, nor one with a comma, by which libpq separates hosts. The alternative is a
    short path derived from the user and the state folder, so that all processes agree on it. It is
    not below TMPDIR, which differs between processes.
    """
    folder = state_dir / service
    name_length = max(len(POSTGRES_SOCKET), len(VALKEY_SOCKET))
    fits = len(os.fsencode(folder)) + 1 + name_length <= MAX_SOCKET_PATH
    if fits and "," not in str(folder):
        return folder
    digest = hashlib.sha256(os.fsencode(state_dir)).hexdigest()[:12]
    return Path(f"/tmp/openmemory-{os.getuid()}-{digest}-{service}")  # noqa: S108


def database_settings(state_dir: Path) -> dict[str, Any]:
    """Return Django's settings for the embedded PostgreSQL."""
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
