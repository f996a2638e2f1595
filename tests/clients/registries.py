"""Install clients from the registries, and run them."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

# With short waits: npm else takes over a minute to say that it trusts no certificate.
NPM = (
    "npm", "install", "--prefix", ".", "--no-audit", "--no-fund", "--legacy-peer-deps",
    "--ignore-scripts", "--fetch-retry-mintimeout=500", "--fetch-retry-maxtimeout=2000",
)  # fmt: skip

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")

# A registry that does not answer is waited for no longer.
INSTALL_SECONDS = 60


def cached(name: str) -> Path:
    """A folder of packages, which later runs use again."""
    return Path(tempfile.gettempdir()) / f"openmemory-clients-{os.getuid()}" / name


def find_certificates() -> dict[str, str]:
    """Those that the machine trusts: Node trusts its own alone, unless a variable names others.

    `env -i`, by which tests are run, removes that variable.
    """
    name = "NODE_EXTRA_CA_CERTS"
    return {name: str(CERTIFICATES)} if CERTIFICATES.exists() and name not in os.environ else {}


def known_settings() -> str:
    """What decides whether a registry can be reached, for the reason of a skip."""
    names = [
        name for name in os.environ
        if name.lower().startswith(("npm_config_", "pip_", "node_extra", "http", "no_proxy"))
    ]  # fmt: skip
    return f"{', '.join(sorted(names)) or 'no variable'} in the environment"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Tests of several files, which run at the same time, share packages."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def install(folder: Path, *command: str) -> None:
    """Install packages, or skip with the reason where the registry cannot be reached."""
    with locked(folder):
        _install(folder, *command)


def _install(folder: Path, *command: str) -> None:
    complete = folder / "complete"
    if complete.exists() and complete.read_text() == str(command):
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    reason = ""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=os.environ | find_certificates(),
            capture_output=True,
            text=True,
            check=False,
            timeout=INSTALL_SECONDS,
        )
        reason = done.stderr.strip()[-300:] if done.returncode else ""
    except subprocess.TimeoutExpired:
        reason = f"it took more than {INSTALL_SECONDS} seconds, with {known_settings()}"
    if reason:
        shutil.rmtree(folder, ignore_errors=True)
        pytest.skip(f"the client cannot be installed here: {reason}")
    complete.write_text(str(command))


def run(*command: str, **environment: str) -> dict[str, object]:
    quiet = {"MEM0_TELEMETRY": "False", "PATH": os.environ["PATH"], **environment}
    done = subprocess.run(
        command, capture_output=True, text=True, env=quiet, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
