"""Where the embedded services keep their state and where they can be reached.

Settings import this module, so it starts nothing and imports nothing of Django's.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def prepare(directory: Path) -> Path:
    """Make a folder that only its owner can enter."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory


def secret_key(state_dir: Path) -> str:
    """Read the server's secret key, made once and kept in a file of mode 0600."""
    path = prepare(state_dir) / "secret_key"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_urlsafe(50))
    return path.read_text().strip()


def database(state_dir: Path) -> dict[str, object]:
    """Django's settings of the embedded PostgreSQL."""
    return {"NAME": "openmemory", "USER": "openmemory", "HOST": str(state_dir / "postgres")}


def broker_url(state_dir: Path) -> str:
    return f"unix://{state_dir / 'valkey' / 'valkey.sock'}"
