"""A PostgreSQL whose migrations are done, made once for all test processes of a run.

A database and a server of each test file begin with a copy of its data. To migrate takes ten times
as long as to copy.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from embedded.postgres import CHECKOUT, Postgres

# The folder of the run: of all processes, as the environment is handed on to them.
FOLDER = "TESTS_MIGRATED_DATA"


def make_folder(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        folder = TemporaryDirectory(prefix="openmemory-migrated-", ignore_cleanup_errors=True)
        config.add_cleanup(folder.cleanup)
        os.environ[FOLDER] = folder.name


def copy_to(state_dir: Path) -> None:
    """Begin a state folder with it, unless there is a PostgreSQL already, or no folder of a run."""
    target = Postgres(state_dir).folder
    if FOLDER not in os.environ or target.exists():
        return
    source = _made()
    target.mkdir(mode=0o700, parents=True)
    # As `cp` keeps whose the files are.
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


def _made() -> Path:
    folder = Path(os.environ[FOLDER])
    state_dir = folder / "state"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            environment = {
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "openmemory.settings",
                "OPENMEMORY_STATE_DIR": str(state_dir),
            }
            command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
            subprocess.run(command, cwd=CHECKOUT, env=environment, check=True)
            (folder / "done").touch()
    return Postgres(state_dir).data
