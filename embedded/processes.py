"""Child processes that die with their parent, and the leftovers of those that could not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

from .account import Account

LAUNCHER = Path(__file__).with_name("launcher.py")
LOG_BYTES = 5_000_000
TAIL_BYTES = 500_000
# For programs that need no variable of the caller's, such as a key or PGDATA.
BARE_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}


@dataclass(frozen=True, kw_only=True)
class Command:
    """What a child process runs. Without a log file it inherits its parent's output."""

    argv: Sequence[str]
    folder: Path
    log: Path | None = None
    account: Account | None = None
    parent_death_signal: signal.Signals = signal.SIGTERM
    environment: Mapping[str, str] | None = None
    # Signals that stop it, each with the seconds to wait for its exit.
    stop_sequence: Sequence[tuple[signal.Signals, float]] = field(default=((signal.SIGTERM, 10.0),))
    # Whether it gets a pipe as its standard input, whose end it waits for.
    has_input: bool = False


class Child(ABC):
    """A process that this process starts, supervises and stops."""

    name: str
    process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> Command: ...

    def start(self) -> None:
        self.process = spawn(self.command())

    def status(self) -> int | None:
        """The exit status, or None while it runs."""
        return None if self.process is None else self.process.poll()

    def stop(self, urgent: Callable[[], bool] = lambda: False) -> None:
        if self.process is not None:
            stop(self.process, self.command().stop_sequence, urgent)
        self.process = None


def spawn(command: Command) -> subprocess.Popen[bytes]:
    """Start a child in its own session, so that Ctrl-C reaches only this process.

    Call it from the main thread: on Linux a child dies with the thread that created it.
    """
    with ExitStack() as stack:
        output = stack.enter_context(open_log(command.log)) if command.log else None
        return subprocess.Popen(  # noqa: S603
            launch_argv(command),
            cwd=command.folder,
            env=command.environment,
            stdin=subprocess.PIPE if command.has_input else subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def launch_argv(command: Command) -> list[str]:
    # -I and -S skip the environment and all packages, so that it starts in a few milliseconds.
    argv = [sys.executable, "-I", "-S", "-B", str(LAUNCHER)]
    argv += ["--parent", str(os.getpid())]
    argv += ["--parent-death-signal", command.parent_death_signal.name]
    if command.account:
        argv += ["--uid", str(command.account.uid), "--gid", str(command.account.gid)]
    return [*argv, "--", *command.argv]


def stop(
    process: subprocess.Popen[bytes],
    stop_sequence: Sequence[tuple[signal.Signals, float]],
    urgent: Callable[[], bool] = lambda: False,
) -> None:
    """Stop a child with its stop sequence, faster if urgent, and kill it in the end."""
    for stop_signal, seconds in stop_sequence:
        if process.poll() is not None:
            return
        process.send_signal(stop_signal)
        deadline = time.monotonic() + seconds
        while process.poll() is None and time.monotonic() < deadline:
            if urgent():
                deadline = min(deadline, time.monotonic() + 1)
            time.sleep(0.02)
    if process.poll() is None:
        process.kill()
        process.wait()


def end_leftovers(folder: Path, names: Sequence[str]) -> None:
    """End the orphans of a killed server: processes of these names that work in the folder.

    A pid file does not identify them: the system may have reused its pid.
    """
    for stop_signal, seconds in ((signal.SIGINT, 8), (signal.SIGTERM, 2)):
        for orphan in main_leftovers(folder, names):
            with suppress(psutil.NoSuchProcess):
                orphan.send_signal(stop_signal)
        if wait_until_gone(seconds, folder, names):
            return
    for orphan in leftovers(folder, names):
        with suppress(psutil.NoSuchProcess):
            orphan.kill()
    wait_until_gone(5, folder, names)


def wait_until_gone(seconds: float, folder: Path, names: Sequence[str]) -> bool:
    deadline = time.monotonic() + seconds
    while leftovers(folder, names):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def leftovers(folder: Path, names: Sequence[str]) -> list[psutil.Process]:
    """Return the processes of these names in the folder. Zombies have no working directory."""
    return [
        process
        for process in psutil.process_iter(["name"])
        if process.info["name"] in names and _works_in(process, folder)
    ]


def main_leftovers(folder: Path, names: Sequence[str]) -> list[psutil.Process]:
    """Return the leftovers that accept a stop signal.

    PostgreSQL's postmaster stops its own helpers, and they exit when it is gone. Helpers react to
    signals differently: SIGINT makes the checkpointer write the last checkpoint, which breaks a
    shutdown in progress.
    """
    return [process for process in leftovers(folder, names) if not _is_helper(process)]


def _is_helper(process: psutil.Process) -> bool:
    """Recognise a helper by its title, such as "postgres: checkpointer". Its parent may be gone."""
    try:
        title, *_ = process.cmdline() or [""]
        return title.startswith(f"{process.name()}: ")
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return True


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return Path(process.cwd()).is_relative_to(folder)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def open_log(path: Path) -> IO[bytes]:
    """Open a log for appending, after trimming it."""
    trim_log(path)
    return open(path, "ab", opener=lambda name, flags: os.open(name, flags, 0o600))


def trim_log(path: Path) -> None:
    """Keep only the end of a long log. Its writer appends, and so is not affected."""
    if not path.exists() or path.stat().st_size <= LOG_BYTES:
        return
    with path.open("r+b") as file:
        file.seek(-TAIL_BYTES, os.SEEK_END)
        end = file.read()
        file.truncate(0)
    with suppress(OSError):  # on a full disk, the space is worth more than the end of a log
        path.with_suffix(".old.log").write_bytes(end)


def tail(path: Path, lines: int = 12) -> str:
    """Return the last lines of a log, for an error message."""
    if not path.exists():
        return ""
    text = path.read_bytes()[-8192:].decode(errors="replace")
    return "\n".join(text.splitlines()[-lines:])
