#!/usr/bin/env python
"""Run a management command of the server, such as `python manage.py create_api_key alice`."""

import signal
import sys
from contextlib import AbstractContextManager, ExitStack

# These commands do not use the database, or start it themselves.
WITHOUT_SERVICES = {
    "help", "version", "run", "check", "collectstatic", "diffsettings", "fake_llm", "findstatic",
    "mcp_stdio", "spectacular", "startapp", "startproject", "test", "testserver",
}  # fmt: skip

# The doctor waits this long for a running server's services, and then says what it finds without.
DOCTOR_SECONDS = 15.0


def main() -> None:
    # Clean up on SIGTERM, as on Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _run(sys.argv)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except SystemExit as exit_request:
        # To monitors, 1 is a warning. A doctor that cannot start is an error.
        if sys.argv[1:2] == ["doctor"] and isinstance(exit_request.code, str):
            sys.stderr.write(f"{exit_request.code}\n")
            sys.exit(2)
        raise


def _run(argv: list[str]) -> None:
    """Execute a command. Invalid settings and failed services are reported in one sentence."""
    from embedded.errors import ServiceFailed
    from server import bootstrap

    try:
        with bootstrap.report_invalid_settings():
            _execute(argv)
    except ServiceFailed as error:
        sys.exit(error.detail)


def _execute(argv: list[str]) -> None:
    command = argv[1] if len(argv) > 1 else "help"
    if command == "run":
        from server import start

        start.main(argv[2:])
        return
    from django.conf import settings
    from django.core.management import execute_from_command_line

    from embedded import stack

    if command in WITHOUT_SERVICES or command.startswith("-") or {"-h", "--help"} & set(argv):
        execute_from_command_line(argv)
        return
    services = stack.required_services(
        settings.STATE_DIR, database_url=settings.DATABASE_URL, redis_url=settings.REDIS_URL
    )
    name = f"manage.py {command}"
    with ExitStack() as running:
        if command == "doctor":
            _start_if_possible(
                running,
                stack.running(name, settings.STATE_DIR, services, start_seconds=DOCTOR_SECONDS),
            )
        else:
            running.enter_context(stack.running(name, settings.STATE_DIR, services))
        execute_from_command_line(argv)


def _start_if_possible(running: ExitStack, services: AbstractContextManager[None]) -> None:
    """Start the services, or report that they failed: the doctor can say why."""
    from embedded.errors import ServiceFailed

    try:
        running.enter_context(services)
    except ServiceFailed as error:
        sys.stderr.write(f"{error.detail}\n")


if __name__ == "__main__":
    main()
