"""Start the whole server on one machine and supervise it until it is asked to stop."""

from __future__ import annotations

import errno
import http.client
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from shlex import quote

import psycopg
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import DatabaseError, connection, connections
from django.db.backends.postgresql.base import DatabaseWrapper

from accounts.models import SignInLink, User
from accounts.person_access import link_url
from embedded import stack
from embedded.errors import ServiceFailed
from embedded.ownership import Owner
from embedded.processes import Command
from jobs import retention
from memories.lifecycle import word_index
from memories.vectors import migration
from server import default_user
from server.web_process import GRACE_SECONDS

from .supervisor import ServerProcess, StopRequests, Supervisor, stop_signals

# The web server of a run that was just killed may still hold the port.
PORT_SECONDS = 3.0
# Long, for a busy machine: a web server that has exited is noticed at once.
ANSWER_SECONDS = 300.0
# The time that a running job has to finish. A job that does not is run again later.
JOB_SECONDS = 10.0
READY_SECONDS = 20.0
# Of the link that signs the default user in.
LINK_LIFETIME = timedelta(hours=1)

Report = Callable[[str], None]


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


def server_processes() -> list[ServerProcess]:
    """The processes that run beside the services, the web server first. Add new ones here."""
    web_seconds = settings.DRAIN_SECONDS + GRACE_SECONDS + 3.0
    return [
        _module_process("The web server", ["server.web"], web_seconds),
        _module_process("The worker for quick jobs", ["server.worker", "quick"], JOB_SECONDS),
        _module_process("The worker for long jobs", ["server.worker", "long"], JOB_SECONDS),
    ]


def _module_process(name: str, module: list[str], seconds: float) -> ServerProcess:
    """Return the process of a module, which gets this many seconds to stop."""
    command = Command(
        argv=[sys.executable, "-m", *module],
        folder=settings.BASE_DIR,
        parent_death_signal=signal.SIGKILL,  # without this process there is no database
        stop_sequence=((signal.SIGTERM, seconds),),
    )
    return ServerProcess(name, command)


def run(report: Report, *, parent: int | None = None) -> None:
    """Start everything, report it, and return when everything has stopped.

    With a parent, its death is a request to stop. Raises ServiceFailed, AlreadyRunning or
    ImproperlyConfigured if the server does not start.
    """
    for number in stop_signals():
        signal.signal(number, signal.default_int_handler)  # abort during the start
    address = Address(settings.HOST, settings.PORT)
    owner = Owner(os.getpid(), "make run", address.url)
    ownership = stack.claim_services(settings.STATE_DIR, owner, report)
    try:
        check_port(address)
        _run(report, address, StopRequests(parent))
    finally:
        ownership.release()


def _run(report: Report, address: Address, stop: StopRequests) -> None:
    services = stack.required_services(
        settings.STATE_DIR, database_url=settings.DATABASE_URL, redis_url=settings.REDIS_URL
    )
    stack.start(services)
    web, *workers = server_processes()
    supervisor = Supervisor([*services, web, *workers], settings.STATE_DIR / "log", report)
    try:
        key, has_password = prepare_database()
        # A log keeps what it is given: the key and the link are for a person only.
        is_terminal = sys.stdout.isatty()
        link = issue_link(address) if is_terminal else ""
        # From here on a stop signal is handled, even before the server is ready.
        with stop.listen():
            web.start()
            wait_until_live(address, web, stop)
            summary = describe_server(address, key if is_terminal else None, has_password, link)
            summary += wait_until_ready(address, stop)
            if not stop.requested():
                for worker in workers:  # last, as nothing waits for them
                    worker.start()
                report(summary)
            supervisor.watch(stop)
            report("Stopping …")
            supervisor.stop(stop.urgent)
        report("Stopped.")
    finally:
        supervisor.stop(lambda: True)


def check_port(address: Address) -> None:
    """Raises ServiceFailed if another program listens on the port."""
    deadline = time.monotonic() + PORT_SECONDS
    while not _can_listen(address):
        if time.monotonic() > deadline:
            raise ServiceFailed(
                f"Another program uses port {address.port} of {address.host}. "
                f"Choose another port, such as PORT={address.port + 1}."
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


def prepare_database() -> tuple[str, bool]:
    """Migrate, create the default user, and apply changes of the embedding configuration.

    Returns the user's API key, and whether the user has a password for the admin.
    """
    try:
        # First without the pool, which retries for a while and then hides the error.
        psycopg.connect(**connection.get_connection_params()).close()
        call_command("migrate", interactive=False, verbosity=0)
    except (psycopg.Error, DatabaseError) as error:
        raise ServiceFailed(f"The database is not usable: {str(error).strip()}") from error
    key = default_user.ensure_default_user(
        user_id=settings.DEFAULT_USER, key_file=settings.STATE_DIR / "api_key"
    )
    user = User.objects.get(user_id=settings.DEFAULT_USER)
    migration.apply_environment(by=user)
    word_index.enqueue_outdated(by=user)
    retention.remove_orphaned_files()  # of a run that was killed
    _close_connections()
    return key, user.has_usable_password()


def issue_link(address: Address) -> str:
    """Return the address of a link that opens the default user's pages once."""
    user = User.objects.get(user_id=settings.DEFAULT_USER)
    secret = SignInLink.objects.issue(user, lifetime=LINK_LIFETIME) if user.is_active else ""
    _close_connections()
    return link_url(secret, base=address.url) if secret else ""


def _close_connections() -> None:
    """Close all database connections. From here on this process only supervises others."""
    for wrapper in connections.all():
        wrapper.close()
        if isinstance(wrapper, DatabaseWrapper):
            wrapper.close_pool()


def wait_until_live(address: Address, web: ServerProcess, stop: StopRequests) -> None:
    """Wait until the web server answers or a stop is requested. Raises ServiceFailed."""
    deadline = time.monotonic() + ANSWER_SECONDS
    while fetch(address, "/health/live")[0] != http.client.OK and not stop.requested():
        if web.status() is not None:
            raise ServiceFailed("The web server exited during its start. See its output above.")
        if time.monotonic() > deadline:
            raise ServiceFailed(f"The web server did not respond at {address.url}.")
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
    sign_in = "" if has_password else f"\n{'':17}`make operator` sets a password for it"
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
