"""The commands `openmemory …` and `manage.py …`: the second knows full names only."""

from __future__ import annotations

import os
import signal
import sys
import tomllib
from argparse import ArgumentParser
from contextlib import AbstractContextManager, ExitStack
from difflib import get_close_matches
from pathlib import Path

from server.command_names import COMMANDS, full_name, overview

# These commands do not use the database, or start it themselves.
WITHOUT_SERVICES = {
    "help", "version", "run", "check", "collectstatic", "completion", "diffsettings", "fake_llm",
    "findstatic", "mcp_stdio", "spectacular", "startapp", "startproject", "test", "testserver",
    "user_service",
}  # fmt: skip

# The doctor waits this long for a running server's services, and then says what it finds without.
DOCTOR_SECONDS = 15.0

HELP = {"-h", "--help"}

# Django's own, which help and completion leave out: few need them, but they can be given.
DJANGO_OPTIONS = {
    "--version", "--verbosity", "--settings", "--pythonpath", "--traceback", "--no-color",
    "--force-color", "--skip-checks",
}  # fmt: skip


def main() -> None:
    # Clean up on SIGTERM, as on Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    argv = sys.argv
    if Path(argv[0]).name != "manage.py":
        argv = [Path(argv[0]).name, *read_global_options(argv[1:])]
        if argv[1:2] in ([], ["help"], ["-h"], ["--help"]) and len(argv) < 3:
            sys.stdout.write(overview())
            return
        if argv[1] in ("version", "--version"):
            sys.stdout.write(f"openmemory {read_version()}\n")
            return
    try:
        _run(argv)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except SystemExit as exit_request:
        # To monitors, 1 is a warning. A doctor that cannot start is an error.
        if argv[1:2] == ["doctor"] and isinstance(exit_request.code, str):
            sys.stderr.write(f"{exit_request.code}\n")
            sys.exit(2)
        raise


def read_version() -> str:
    """Without the settings: they may be invalid."""
    about = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
    return str(about["project"]["version"])


def read_global_options(arguments: list[str]) -> list[str]:
    """Take the options before and after the command that are settings. Returns the others."""
    parser = ArgumentParser(prog="openmemory", add_help=False, allow_abbrev=False)
    parser.add_argument("--state", metavar="FOLDER")
    if _is_start(arguments):
        parser.add_argument("--host")
        parser.add_argument("--port")
    options, others = parser.parse_known_args(arguments)
    settings = vars(options)
    if settings["state"] is not None:
        if not settings["state"]:
            parser.error("argument --state: an empty name is no folder")
        os.environ["OPENMEMORY_STATE_DIR"] = str(Path(settings["state"]).expanduser().absolute())
    for name in ("host", "port"):
        if settings.get(name) is not None:
            os.environ[name.upper()] = settings[name]
    return others


def _is_start(arguments: list[str]) -> bool:
    return any(full_name(argument) == "run" for argument in arguments[:3])


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
    command = full_name(argv[1]) if len(argv) > 1 else "help"
    if command == "run":
        from server import start

        start.main(argv[2:], prog=f"{Path(argv[0]).name} {argv[1]}")
        return
    from django.conf import settings

    from embedded import stack

    _refuse_unknown(Path(argv[0]).name, argv[1] if len(argv) > 1 else "help")
    if command in WITHOUT_SERVICES or command.startswith("-") or HELP & set(argv):
        _execute_in_django(argv)
        return
    services = stack.required_services(
        settings.STATE_DIR, database_url=settings.DATABASE_URL, redis_url=settings.REDIS_URL
    )
    name = f"{Path(argv[0]).name} {argv[1]}"
    with ExitStack() as running:
        if command == "doctor":
            _start_if_possible(
                running,
                stack.running(name, settings.STATE_DIR, services, start_seconds=DOCTOR_SECONDS),
            )
        else:
            running.enter_context(stack.running(name, settings.STATE_DIR, services))
        _execute_in_django(argv)


def _refuse_unknown(program: str, name: str) -> None:
    """Before the services are started: a misspelt name should leave nothing behind."""
    import django
    from django.core.management import get_commands

    django.setup()
    known = {"help", *get_commands(), *COMMANDS}
    if name in known or name.startswith("-"):
        return
    nearest = get_close_matches(name, known, n=1)
    guess = f" Did you mean {nearest[0]!r}?" if nearest else ""
    sys.exit(f"Unknown command: {name!r}.{guess} `{program} help` lists the commands.")


def _execute_in_django(argv: list[str]) -> None:
    from django.core.management import ManagementUtility
    from django.core.management.base import BaseCommand

    class Utility(ManagementUtility):
        """Finds a command by its short name. Its help then has that name, too."""

        def fetch_command(self, subcommand: str) -> BaseCommand:
            command = super().fetch_command(full_name(subcommand))
            if subcommand in COMMANDS:
                command.suppressed_base_arguments = DJANGO_OPTIONS
            return command

    Utility(argv).execute()


def _start_if_possible(running: ExitStack, services: AbstractContextManager[None]) -> None:
    """Start the services, or report that they failed: the doctor can say why."""
    from embedded.errors import ServiceFailed

    try:
        running.enter_context(services)
    except ServiceFailed as error:
        sys.stderr.write(f"{error.detail}\n")
