"""Start the whole server on one machine and supervise it until it is asked to stop.

This process stays while the server runs, so it imports neither Django's apps nor a driver.
"""

from __future__ import annotations

import argparse
import errno
import http.client
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from shlex import quote

from django.core.exceptions import ImproperlyConfigured

from embedded import stack
from embedded.errors import AlreadyRunning, ServiceFailed
from embedded.ownership import Owner
from embedded.processes import Command
from embedded.service import Service
from openmemory import settings

from .supervisor import ServerProcess, StopRequests, Supervisor, stop_signals

DESCRIPTION = "Run the server with all its processes and services on this machine, until Ctrl-C."

# The web server of a run that was just killed may still hold the port.
PORT_SECONDS = 3.0
# Long, for a busy machine: a server that has exited is noticed at once.
ANSWER_SECONDS = 300.0
# The time that its processes have to stop: more than they give to requests and jobs.
STOP_SECONDS = 13.0
READY_SECONDS = 20.0
# What the server says to this process: how the default user can sign in.
SIGN_IN = settings.STATE_DIR / "sign_in.json"


@dataclass(frozen=True)
class Address:
    host: str
    port: int

    @property
    def client_host(self) -> str:
        """The host by which a client on this machine connects."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104

    @property
    def url(self) -> str:
        host = f"[{self.client_host}]" if ":" in self.client_host else self.client_host
        return f"http://{host}:{self.port}"


class ServerExited(Exception):
    """The server exited during its start, and has said why."""


def add_arguments(parser: argparse.ArgumentParser, *, of_openmemory: bool = False) -> None:
    if of_openmemory:  # taken by the console before the settings are read
        parser.add_argument("--host", help=f"the address to listen on (default: {settings.HOST})")
        parser.add_argument("--port", help=f"the port to listen on (default: {settings.PORT})")
        parser.add_argument(
            "--state",
            metavar="FOLDER",
            help=f"keep everything in this folder (default: {settings.STATE_DIR})",
        )
    parser.add_argument(
        "--with-parent", action="store_true", help="stop when the parent process exits"
    )


def main(arguments: Sequence[str], *, prog: str) -> None:
    parser = argparse.ArgumentParser(prog=prog, description=DESCRIPTION)
    add_arguments(parser, of_openmemory=not prog.startswith("manage.py"))
    run(with_parent=parser.parse_args(arguments).with_parent)


def run(*, with_parent: bool = False) -> None:
    """Start everything, report it, and return when everything has stopped.

    With its parent, the death of that is a request to stop. Raises ImproperlyConfigured or
    SystemExit if the server does not start.
    """
    try:
        _claim_and_run(os.getppid() if with_parent else None)
    except (AlreadyRunning, ServiceFailed) as error:
        sys.exit(error.detail)
    except ServerExited:
        sys.exit(1)


def _claim_and_run(parent: int | None) -> None:
    for number in stop_signals():
        signal.signal(number, signal.default_int_handler)  # abort during the start
    address = Address(settings.HOST, settings.PORT)
    owner = Owner(os.getpid(), settings.RUN_COMMAND, address.url)
    ownership = stack.claim_services(settings.STATE_DIR, owner, report)
    try:
        check_port(address)
        _run(address, StopRequests(parent))
    finally:
        ownership.release()


def _run(address: Address, stop: StopRequests) -> None:
    services = stack.required_services(
        settings.STATE_DIR, database_url=settings.DATABASE_URL, redis_url=settings.REDIS_URL
    )
    server = server_process()
    supervisor = Supervisor([*services, server], settings.STATE_DIR / "log", report)
    try:
        server.start_waiting()  # it loads its modules meanwhile
        _start_services(services)
        # From here on a stop signal is handled, even before the server is ready.
        with stop.listen():
            server.go_on()
            wait_until_live(address, server, stop)
            has_password, link = _read_sign_in()
            summary = describe_server(address, _shown_key(), has_password, link)
            summary += wait_until_ready(address, stop)
            if not stop.requested():
                report(summary)
            supervisor.watch(stop)
            report("Stopping …")
            supervisor.stop(stop.urgent)
        report("Stopped.")
    finally:
        supervisor.stop(lambda: True)


def server_process() -> ServerProcess:
    """The process whose children serve requests and run jobs."""
    command = Command(
        argv=[sys.executable, "-m", "server.all_in_one"],
        folder=settings.BASE_DIR,
        parent_death_signal=signal.SIGKILL,  # without this process there is no database
        stop_sequence=((signal.SIGTERM, settings.DRAIN_SECONDS + STOP_SECONDS),),
        has_input=True,
    )
    return ServerProcess("The server", command)


def _start_services(services: list[Service]) -> None:
    if services:
        report(f"Starting {' and '.join(service.title for service in services)} …")
    stack.start(services)


def _shown_key() -> str | None:
    """The key of the default user. A log keeps what it is given: the key is for a person only."""
    key_file = settings.STATE_DIR / "api_key"
    return key_file.read_text().strip() if sys.stdout.isatty() and key_file.exists() else None


def _read_sign_in() -> tuple[bool, str]:
    """Whether the default user has a password, and the link that signs them in once, if any."""
    try:
        text = SIGN_IN.read_text()
    except FileNotFoundError:  # the server was stopped during its start
        return True, ""
    SIGN_IN.unlink()
    sign_in = json.loads(text)
    return sign_in["has_password"], sign_in["link"]


def report(text: str) -> None:
    # The reader may be gone. The server must still stop cleanly.
    with suppress(OSError):
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def _name_port(port: int) -> str:
    return f"--port {port}" if settings.IS_WHEEL else f"PORT={port}"


def check_port(address: Address) -> None:
    """Raises ServiceFailed if another program listens on the port."""
    deadline = time.monotonic() + PORT_SECONDS
    while not _can_listen(address):
        if time.monotonic() > deadline:
            raise ServiceFailed(
                f"Another program uses port {address.port} of {address.host}. "
                f"Choose another port, such as {_name_port(address.port + 1)}."
            )
        time.sleep(0.1)


def _can_listen(address: Address) -> bool:
    try:
        infos = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
        family, socket_type, protocol, _, socket_address = infos[0]
        with socket.socket(family, socket_type, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(socket_address)
            probe.listen()
    except socket.gaierror as error:
        raise ImproperlyConfigured(
            f"HOST={address.host!r} is not an address of this machine."
        ) from error
    except PermissionError as error:
        raise ImproperlyConfigured(f"Only root may use PORT={address.port}.") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return False
        raise ImproperlyConfigured(f"HOST={address.host!r}: {error.strerror}.") from error
    return True


def wait_until_live(address: Address, server: ServerProcess, stop: StopRequests) -> None:
    """Wait until the server answers or a stop is requested.

    Raises ServerExited or ServiceFailed.
    """
    deadline = time.monotonic() + ANSWER_SECONDS
    while fetch(address, "/health/live")[0] != http.client.OK and not stop.requested():
        if server.status() is not None:
            raise ServerExited
        if time.monotonic() > deadline:
            raise ServiceFailed(f"The server did not respond at {address.url}.")
        time.sleep(0.05)


def wait_until_ready(address: Address, stop: StopRequests) -> str:
    """Wait until the server is ready or a stop is requested. Returns a warning on a timeout."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        status, body = fetch(address, "/health/ready")
        if status == http.client.OK or stop.requested():
            return ""
        if time.monotonic() > deadline:
            return f"\nThe server is not ready: {body}\n"
        time.sleep(0.1)


def fetch(address: Address, path: str) -> tuple[int, str]:
    """Request a path of our own server. Returns its status, 0 without a response, and its text."""
    host = next((name.lstrip(".") for name in settings.ALLOWED_HOSTS if name != "*"), "localhost")
    client = http.client.HTTPConnection(address.client_host, address.port, timeout=10)
    try:
        client.request("GET", path, headers={"Host": host})
        response = client.getresponse()
        return response.status, response.read().decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return 0, "no answer"
    finally:
        client.close()


def describe_server(address: Address, key: str | None, has_password: bool, link: str = "") -> str:
    key_file = settings.STATE_DIR / "api_key"
    shown_key = f"{key}\n{'':17}stored in {key_file}" if key else f"cat {quote(str(key_file))}"
    sign_in = (
        "" if has_password else f"\n{'':17}`{settings.OPERATOR_COMMAND}` sets a password for it"
    )
    pages = f"{link}\n{'':17}works once, within an hour" if link else f"{address.url}/"
    legacy = "\n  Legacy clients act as this user without a key" if settings.LEGACY_CLIENTS else ""
    return f"""
OpenMemory is running.

  Your memories  {pages}
  API            {address.url}/api/v1
  Documentation  {address.url}/docs
  Admin          {address.url}{settings.ADMIN_PATH}/{sign_in}
  User           {settings.DEFAULT_USER} (an operator)
  API key        {shown_key}
  State          {settings.STATE_DIR}{legacy}

Press Ctrl-C to stop it.
"""
