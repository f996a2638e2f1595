import os
import subprocess
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from core.command_output import ReportingCommand, add_json_option
from embedded.ownership import Owner, Ownership
from server.service_managers import (
    ServiceError,
    ServiceManager,
    ServiceState,
    find_program,
    find_service_manager,
)

# As `systemctl status` exits.
EXIT_OF_STATE = {
    ServiceState.RUNNING: 0,
    ServiceState.STOPPED: 3,
    ServiceState.FAILED: 3,
    ServiceState.NOT_INSTALLED: 4,
}


class Command(ReportingCommand):
    help = (
        "Run the server as a service of yours, by systemd or launchd, without root. It starts when "
        "you sign in. `install` replaces what is installed, and `uninstall` keeps what is stored."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        install = actions.add_parser("install", help="install the service and start it")
        install.add_argument("--host", help="the address it listens on")
        install.add_argument("--port", type=int, help="the port it listens on")
        status = actions.add_parser("status", help="say whether it runs, and where")
        logs = actions.add_parser("logs", help="show what it has written")
        logs.add_argument("--lines", type=int, default=100, help="the last so many lines")
        logs.add_argument("--follow", action="store_true", help="show what it writes from now on")
        uninstall = actions.add_parser("uninstall", help="stop the service and remove it")
        for reporting in (install, status, uninstall):
            add_json_option(reporting)

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        try:
            getattr(self, f"_{action}")(find_service_manager(), options)
        except ServiceError as error:
            raise CommandError(str(error)) from error

    def _install(self, manager: ServiceManager, options: dict[str, Any]) -> None:
        environment = {
            name.upper(): str(options[name]) for name in ("host", "port") if options[name]
        }
        program = find_program(environment)
        owner = _running_server()
        if owner and owner.address and manager.state() != ServiceState.RUNNING:
            raise CommandError(
                f"The server is already running: process {owner.pid}, at {owner.address}. "
                "Stop it, and install the service then."
            )
        manager.install(program)
        lines = [f"Installed {manager.file}, and started it."]
        if manager.title == "systemd":
            file = program.folder / "service.env"
            lines.append(f"Settings go into {file}, a line NAME=VALUE each.")
            lines.append("`loginctl enable-linger` keeps it running when you sign out.")
        else:
            lines.append("Settings go into the file's EnvironmentVariables.")
        facts = {"file": str(manager.file), "state_folder": str(program.folder)}
        self.report("\n".join(lines), facts, options)

    def _status(self, manager: ServiceManager, options: dict[str, Any]) -> None:
        state = manager.state()
        owner = _running_server() if state == ServiceState.RUNNING else None
        address = owner.address if owner else ""
        sentence = f"The service is {state}{f', at {address}' if address else ''}."
        if state == ServiceState.FAILED:
            sentence += "\n`openmemory service logs` shows why."
        facts = {"state": state, "address": address, "file": str(manager.file)}
        self.report(sentence, facts, options)
        if code := EXIT_OF_STATE[state]:
            raise SystemExit(code)

    def _logs(self, manager: ServiceManager, options: dict[str, Any]) -> None:
        if manager.state() == ServiceState.NOT_INSTALLED:
            raise CommandError("The service is not installed: see `openmemory service install`.")
        command = manager.log_command(max(1, options["lines"]), follow=options["follow"])
        subprocess.run(command, check=False)  # noqa: S603

    def _uninstall(self, manager: ServiceManager, options: dict[str, Any]) -> None:
        is_removed = manager.uninstall()
        sentence = "The service is not installed: there is nothing to remove."
        if is_removed:
            sentence = f"Removed {manager.file}. What is stored stays: {settings.STATE_DIR}"
        facts = {"removed": is_removed, "file": str(manager.file)}
        self.report(sentence, {**facts, "state_folder": str(settings.STATE_DIR)}, options)


def _running_server() -> Owner | None:
    """The server that uses the state folder, if one runs."""
    ownership = Ownership(settings.STATE_DIR)
    if ownership.claim(Owner(os.getpid(), "openmemory service")):
        ownership.release()
        return None
    return ownership.owner()
