"""Run the server as a service of the user, without root: by systemd or launchd."""

from __future__ import annotations

import os
import plistlib
import shutil
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import ClassVar

from django.conf import settings

# As long as the server takes to finish what it has begun, and then some.
STOP_SECONDS = 90

# What `uvx` and `pipx run` install is removed after a while.
TEMPORARY_FOLDERS = {"archive-v0", "builds-v0", ".cache"}


class ServiceState(StrEnum):
    NOT_INSTALLED = "not installed"
    STOPPED = "stopped"
    FAILED = "failed"
    RUNNING = "running"


class ServiceError(Exception):
    """Says what is wrong and what to do."""


@dataclass(frozen=True)
class Program:
    """What a service runs."""

    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path


def find_program(environment: Mapping[str, str]) -> Program:
    """The program that starts this server. Raises ServiceError if it will not stay installed."""
    folder: Path = settings.STATE_DIR
    environment = {"OPENMEMORY_STATE_DIR": str(folder), **environment}
    script = Path(sys.argv[0])
    if script.name == "manage.py":
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "run"]
    else:
        command = [sys.executable, "-m", "openmemory_server", "up"]
    if TEMPORARY_FOLDERS & {*Path(sys.executable).parts, *script.absolute().parts}:
        raise ServiceError(
            "This installation is temporary, as `uvx` and `pipx run` make them: it would be gone "
            "one day. Install it first, by `uv tool install` or `pipx install`."
        )
    return Program(command, environment, folder)


class ServiceManager(ABC):
    title: ClassVar[str]
    program: ClassVar[str]

    @property
    @abstractmethod
    def file(self) -> Path:
        """The file that describes the service."""

    @abstractmethod
    def describe(self, program: Program) -> bytes:
        """The contents of the file."""

    @abstractmethod
    def load(self) -> None:
        """Start the service as its file says, now and whenever the user signs in."""

    @abstractmethod
    def unload(self) -> None:
        """Stop the service for good."""

    @abstractmethod
    def state(self) -> ServiceState:
        """Ask what the service does."""

    @abstractmethod
    def log_command(self, lines: int, *, follow: bool) -> list[str]:
        """The command that shows what the service has written."""

    def install(self, program: Program) -> None:
        """Write the file and start the service. One that is installed is replaced."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_bytes(self.describe(program))
        self.load()

    def uninstall(self) -> bool:
        """Stop and forget the service. The state stays. Returns whether there was one."""
        if not self.file.exists():
            return False
        self.unload()
        self.file.unlink()
        return True

    def _run(self, *arguments: str) -> str:
        """Run the service manager's program. Raises ServiceError with what it says."""
        ended = subprocess.run(  # noqa: S603
            [self.program, *arguments], capture_output=True, text=True, check=False
        )
        if ended.returncode:
            said = ended.stderr.strip() or ended.stdout.strip()
            raise ServiceError(f"`{self.program} {' '.join(arguments)}` failed: {said}")
        return ended.stdout


class Systemd(ServiceManager):
    title = "systemd"
    program = "systemctl"
    unit = "openmemory.service"

    @property
    def file(self) -> Path:
        home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
        return Path(home) / "systemd/user" / self.unit

    def describe(self, program: Program) -> bytes:
        variables = [
            f"Environment={_quote(f'{name}={value}')}"
            for name, value in program.environment.items()
        ]
        command = " ".join(_quote(word).replace("$", "$$") for word in program.command)
        lines = [
            "[Unit]",
            "Description=OpenMemory, a memory server for AI agents",
            "After=network.target",
            "",
            "[Service]",
            "Type=exec",
            # The name of the program itself may not have special characters.
            f"ExecStart=/usr/bin/env {command}",
            *variables,
            f"EnvironmentFile=-{str(program.folder / 'service.env').replace('%', '%%')}",
            # Its main process stops the others in their order.
            "KillMode=mixed",
            f"TimeoutStopSec={STOP_SECONDS}",
            "Restart=on-failure",
            "RestartSec=5",
            "",
            "[Install]",
            "WantedBy=default.target",
        ]
        return ("\n".join(lines) + "\n").encode()

    def load(self) -> None:
        self._run("--user", "daemon-reload")
        self._run("--user", "enable", self.unit)
        self._run("--user", "restart", self.unit)

    def unload(self) -> None:
        self._run("--user", "disable", "--now", self.unit)

    def state(self) -> ServiceState:
        if not self.file.exists():
            return ServiceState.NOT_INSTALLED
        shown = self._run("--user", "show", "--property=ActiveState", "--value", self.unit).strip()
        if shown in ("active", "activating", "reloading"):
            return ServiceState.RUNNING
        return ServiceState.FAILED if shown == "failed" else ServiceState.STOPPED

    def log_command(self, lines: int, *, follow: bool) -> list[str]:
        command = ["journalctl", f"--user-unit={self.unit}", f"--lines={lines}"]
        return [*command, "--follow"] if follow else [*command, "--no-pager"]


class Launchd(ServiceManager):
    title = "launchd"
    program = "launchctl"
    label = "org.openmemory.server"

    @property
    def file(self) -> Path:
        return Path.home() / "Library/LaunchAgents" / f"{self.label}.plist"

    @property
    def log(self) -> Path:
        return Path(settings.STATE_DIR) / "log/service.log"

    def describe(self, program: Program) -> bytes:
        return plistlib.dumps(
            {
                "Label": self.label,
                "ProgramArguments": list(program.command),
                "EnvironmentVariables": dict(program.environment),
                "WorkingDirectory": str(program.folder),
                "StandardOutPath": str(self.log),
                "StandardErrorPath": str(self.log),
                "RunAtLoad": True,
                "KeepAlive": {"SuccessfulExit": False},
                "ExitTimeOut": STOP_SECONDS,
            }
        )

    def load(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.unload()
        self._run("bootstrap", self._domain, str(self.file))

    def unload(self) -> None:
        if self._shown() is None:
            return
        refusal = ServiceError("The service does not stop. Try again later.")
        try:
            self._run("bootout", f"{self._domain}/{self.label}")
        except ServiceError as error:
            refusal = error  # which is also said of one that still stops
        give_up = time.monotonic() + STOP_SECONDS
        while self._shown() is not None:
            if time.monotonic() > give_up:
                raise refusal
            time.sleep(0.2)

    def state(self) -> ServiceState:
        if not self.file.exists():
            return ServiceState.NOT_INSTALLED
        is_running = "state = running" in (self._shown() or "")
        return ServiceState.RUNNING if is_running else ServiceState.STOPPED

    def log_command(self, lines: int, *, follow: bool) -> list[str]:
        return ["tail", "-n", str(lines), *(["-F"] if follow else []), str(self.log)]

    @property
    def _domain(self) -> str:
        return f"gui/{os.getuid()}"

    def _shown(self) -> str | None:
        """What launchd knows of the service, which it may know without running it."""
        try:
            return self._run("print", f"{self._domain}/{self.label}")
        except ServiceError:
            return None


def find_service_manager() -> ServiceManager:
    """The service manager of this machine. Raises ServiceError where there is none."""
    manager: ServiceManager = Launchd() if sys.platform == "darwin" else Systemd()
    if not shutil.which(manager.program):
        raise ServiceError(
            f"There is no {manager.title} on this machine. Have what starts programs here run "
            f"`openmemory --state {settings.STATE_DIR} up`, and end it with SIGINT or SIGTERM."
        )
    return manager


def _quote(text: str) -> str:
    """Quote a word of a unit's line, as systemd reads it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'
