"""Child processes that die with their parent, and what is left of those that could not."""

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


@dataclass(frozen=True, kw_only=True)
class Command:
    """What a child runs. Without a log file it writes where its parent writes."""

    argv: Sequence[str]
    folder: Path
    log: Path | None = None
    account: Account | None = None
    dies_by: signal.Signals = signal.SIGTERM
    environment: Mapping[str, str] | None = None
    # Signals to stop it with, each followed by the seconds it is given to obey.
    farewell: Sequence[tuple[signal.Signals, float]] = field(default=((signal.SIGTERM, 10.0),))


class Child(ABC):
    """A process that this one starts, watches and stops."""

    name: str
    process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> Command: ...

    def start(self) -> None:
        self.process = spawn(self.command())

    def status(self) -> int | None:
        """The status it ended with, or None while it runs."""
        return None if self.process is None else self.process.poll()

    def stop(self, impatient: Callable[[], bool] = lambda: False) -> None:
        if self.process is not None:
            stop(self.process, self.command().farewell, impatient)
        self.process = None


def spawn(command: Command) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own, so that Ctrl-C on a terminal reaches only us.

    To be called from the main thread: on Linux a child dies with the thread that made it.
    """
    with ExitStack() as stack:
        output = stack.enter_context(open_log(command.log)) if command.log else None
        return subprocess.Popen(  # noqa: S603
            launch_argv(command),
            cwd=command.folder,
            env=command.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def launch_argv(command: Command) -> list[str]:
    # -I and -S: nothing of the environment and no packages, so it starts in a few milliseconds.
    argv = [sys.executable, "-I", "-S", "-B", str(LAUNCHER)]
    argv += ["--parent", str(os.getpid()), "--dies-by", command.dies_by.name]
    if command.account:
        argv += ["--uid", str(command.account.uid), "--gid", str(command.account.gid)]
    return [*argv, "--", *command.argv]


def stop(
    process: subprocess.Popen[bytes],
    farewell: Sequence[tuple[signal.Signals, float]],
    impatient: Callable[[], bool] = lambda: False,
) -> None:
    """End a child: ask as the farewell says, sooner when impatient, and insist in the end."""
    for request, seconds in farewell:
        if process.poll() is not None:
            return
        process.send_signal(request)
        deadline = time.monotonic() + seconds
        while process.poll() is None and time.monotonic() < deadline:
            if impatient():
                deadline = min(deadline, time.monotonic() + 1)
            time.sleep(0.02)
    if process.poll() is None:
        process.kill()
        process.wait()


def end_leftovers(folder: Path, names: Sequence[str]) -> None:
    """End the processes with these names that work in the folder: a killed server's orphans.

    They are found by what they are, and not by a pid file: its number may be another's by now.
    """
    for request, patience in ((signal.SIGINT, 8), (signal.SIGTERM, 2)):
        for orphan in leaders(folder, names):
            with suppress(psutil.NoSuchProcess):
                orphan.send_signal(request)
        if gone_within(patience, folder, names):
            return
    for orphan in leftovers(folder, names):
        with suppress(psutil.NoSuchProcess):
            orphan.kill()
    gone_within(5, folder, names)


def gone_within(seconds: float, folder: Path, names: Sequence[str]) -> bool:
    deadline = time.monotonic() + seconds
    while leftovers(folder, names):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def leftovers(folder: Path, names: Sequence[str]) -> list[psutil.Process]:
    """Find them. A zombie is none: it works nowhere, though its number is still taken."""
    named = (p for p in psutil.process_iter(["name"]) if p.info["name"] in names)
    return [process for process in named if _works_in(process, folder)]


def leaders(folder: Path, names: Sequence[str]) -> list[psutil.Process]:
    """Find those of the leftovers that can be asked to end.

    PostgreSQL's postmaster ends its own helpers, and they end when it is gone. Asked themselves,
    they do something else: SIGINT makes the checkpointer write the last checkpoint, which breaks
    a shutdown that goes on.
    """
    return [process for process in leftovers(folder, names) if not _helps_another(process)]


def _helps_another(process: psutil.Process) -> bool:
    """Tell by its title, such as "postgres: checkpointer": its parent may be gone."""
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
    """Open a log to append to, cut when it has grown long."""
    trim_log(path)
    return open(path, "ab", opener=lambda name, flags: os.open(name, flags, 0o600))


def trim_log(path: Path) -> None:
    """Keep the end of a log that grew long. Its writer appends, so it needs not to know."""
    if not path.exists() or path.stat().st_size <= LOG_BYTES:
        return
    with path.open("r+b") as file:
        file.seek(-TAIL_BYTES, os.SEEK_END)
        kept = file.read()
        file.truncate(0)
    path.with_suffix(".old.log").write_bytes(kept)


def tail(path: Path, lines: int = 12) -> str:
    """The last lines of a log, to show in an error."""
    if not path.exists():
        return ""
    text = path.read_bytes()[-8192:].decode(errors="replace")
    return "\n".join(text.splitlines()[-lines:])
