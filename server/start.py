"""Start the whole server on one machine, and run it until it is told to stop."""

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

import psycopg
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import DatabaseError, connection, connections
from django.db.backends.postgresql.base import DatabaseWrapper

from accounts.models import User
from embedded import stack
from embedded.errors import ServiceFailed
from embedded.ownership import Owner
from embedded.processes import Command
from memories.vectors import migration
from server import default_user
from server.web import GRACE_SECONDS

from .supervisor import Program, StopRequests, Supervisor, stop_signals

# The web server of a run that was killed a moment ago may still be letting go of the port.
PORT_SECONDS = 3.0
ANSWER_SECONDS = 60.0
# A job that runs has so long to end by itself. It is run again later when it does not.
JOB_SECONDS = 10.0
READY_SECONDS = 20.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class Address:
    host: str
    port: int

    @property
    def reachable(self) -> str:
        """A host that a client on this machine can name."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104

    @property
    def url(self) -> str:
        host = f"[{self.reachable}]" if ":" in self.reachable else self.reachable
        return f"http://{host}:{self.port}"


def programs() -> list[Program]:
    """What runs beside the services, the web server first. To add one is to name it here."""
    web_seconds = settings.DRAIN_SECONDS + GRACE_SECONDS + 3.0
    return [
        _program("The web server", ["server.web"], web_seconds),
        _program("The worker for quick jobs", ["server.worker", "quick"], JOB_SECONDS),
        _program("The worker for long jobs", ["server.worker", "long"], JOB_SECONDS),
    ]


def _program(name: str, module: list[str], seconds: float) -> Program:
    """A module of ours that runs as a process, and has so many seconds to stop when it is asked."""
    command = Command(
        argv=[sys.executable, "-m", *module],
        folder=settings.BASE_DIR,
        dies_by=signal.SIGKILL,  # without us there is no database to work on
        farewell=((signal.SIGTERM, seconds),),
    )
    return Program(name, command)


def run(say: Say, *, parent: int | None = None) -> None:
    """Start everything, say so, and return when all has stopped again.

    With a parent, its death is a request to stop. Raises ServiceFailed, AlreadyRunning or
    ImproperlyConfigured when the server does not start.
    """
    for number in stop_signals():
        signal.signal(number, signal.default_int_handler)  # until it runs: break off
    address = Address(settings.HOST, settings.PORT)
    owner = Owner(os.getpid(), "make run", address.url)
    ownership = stack.claim(settings.STATE_DIR, owner, say)
    try:
        ensure_port_is_free(address)
        _run(say, address, StopRequests(parent))
    finally:
        ownership.release()


def _run(say: Say, address: Address, stop: StopRequests) -> None:
    services = stack.needed(
        settings.STATE_DIR, database_url=settings.DATABASE_URL, redis_url=settings.REDIS_URL
    )
    stack.start(services)
    web, *others = programs()
    supervisor = Supervisor([*services, web, *others], settings.STATE_DIR / "log", say)
    try:
        key, has_password = prepare_database()
        # From here on who asks it to stop is heard, also while it is not ready yet.
        with stop.heard():
            web.start()
            wait_until_it_answers(address, web, stop)
            told = summary(address, key, has_password) + readiness(address, stop)
            if not stop.asked():
                for program in others:  # now, as nobody waits for them
                    program.start()
                say(told)
            supervisor.watch(stop)
            say("Stopping …")
            supervisor.stop(stop.impatient)
        say("Stopped.")
    finally:
        supervisor.stop(lambda: True)


def ensure_port_is_free(address: Address) -> None:
    """Raises ServiceFailed when another program listens there."""
    deadline = time.monotonic() + PORT_SECONDS
    while not _can_listen(address):
        if time.monotonic() > deadline:
            raise ServiceFailed(
                f"Port {address.port} of {address.host} is taken by another program. "
                f"Choose another one, such as with PORT={address.port + 1}."
            )
        time.sleep(0.1)


def _can_listen(address: Address) -> bool:
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, where = found[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
            probe.listen()
    except socket.gaierror as error:
        raise ImproperlyConfigured(
            f"HOST={address.host!r} is no address of this machine."
        ) from error
    except PermissionError as error:
        raise ImproperlyConfigured(f"PORT={address.port} may only be used by root.") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return False
        raise ImproperlyConfigured(f"HOST={address.host!r}: {error.strerror}.") from error
    return True


def prepare_database() -> tuple[str, bool]:
    """Migrate, make the default user, and follow the environment.

    Returns that user's key, and whether they have a password to sign in to the admin with.
    """
    try:
        # Once without the pool, which would try for a while and then not say what is wrong.
        psycopg.connect(**connection.get_connection_params()).close()
        call_command("migrate", interactive=False, verbosity=0)
    except (psycopg.Error, DatabaseError) as error:
        raise ServiceFailed(f"The database cannot be used: {str(error).strip()}") from error
    key = default_user.ensure(
        user_id=settings.DEFAULT_USER, key_file=settings.STATE_DIR / "api_key"
    )
    user = User.objects.get(user_id=settings.DEFAULT_USER)
    migration.apply_environment(by=user)
    _close_connections()
    return key, user.has_usable_password()


def _close_connections() -> None:
    """From here on this process only watches, and needs none."""
    for opened in connections.all():
        opened.close()
        if isinstance(opened, DatabaseWrapper):
            opened.close_pool()


def wait_until_it_answers(address: Address, web: Program, stop: StopRequests) -> None:
    """Return when it does, or is no longer wanted. Raises ServiceFailed when it does not."""
    deadline = time.monotonic() + ANSWER_SECONDS
    while ask(address, "/health/live")[0] != http.client.OK and not stop.asked():
        if web.status() is not None:
            raise ServiceFailed("The web server ended while it started: see above.")
        if time.monotonic() > deadline:
            raise ServiceFailed(f"The web server does not answer at {address.url}.")
        time.sleep(0.05)


def readiness(address: Address, stop: StopRequests) -> str:
    """Nothing, as soon as the server can do all its work, else what it says that is wrong.

    Nothing, too, as soon as it is no longer wanted.
    """
    deadline = time.monotonic() + READY_SECONDS
    while True:
        status, body = ask(address, "/health/ready")
        if status == http.client.OK or stop.asked():
            return ""
        if time.monotonic() > deadline:
            return f"\nIt is not ready for everything: {body}\n"
        time.sleep(0.1)


def ask(address: Address, path: str) -> tuple[int, str]:
    """Get a page of our own server: its status, or 0 when there is no answer, and its text."""
    host = next((h.lstrip(".") for h in settings.ALLOWED_HOSTS if h != "*"), "localhost")
    client = http.client.HTTPConnection(address.reachable, address.port, timeout=10)
    try:
        client.request("GET", path, headers={"Host": host})
        answer = client.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return 0, "no answer"
    finally:
        client.close()


def summary(address: Address, key: str, has_password: bool) -> str:
    sign_in = "" if has_password else f"\n{'':17}`make operator` gives you a password for it"
    legacy = "\n  Old clients    act as this user without a key" if settings.LEGACY_CLIENTS else ""
    return f"""
OpenMemory is running.

  API            {address.url}/api/v1
  Documentation  {address.url}/docs
  Admin          {address.url}{settings.ADMIN_PATH}/{sign_in}
  User           {settings.DEFAULT_USER} (an operator)
  API key        {key}
                 kept in {settings.STATE_DIR / "api_key"}
  State          {settings.STATE_DIR}{legacy}

Press Ctrl-C to stop it.
"""
