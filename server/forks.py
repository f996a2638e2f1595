"""Processes that are forked from one that has loaded everything, and share its memory with it.

Only a process without threads may fork: no other thread then holds a lock that the child needs.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.context import ForkProcess
from pathlib import Path

FORK = multiprocessing.get_context("fork")
# Held back during a fork, until the child has handlers of its own.
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def fork(name: str, run: Callable[[], None]) -> ForkProcess:
    """Run a function in a child process, which exits when this process does."""
    process = FORK.Process(target=_run, args=(name, run, os.getpid()), name=name)
    sys.stdout.flush()  # or the child would write it, too
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    return process


def _run(name: str, run: Callable[[], None], parent: int) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the parent tells when to stop
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    watch_parent(parent, lambda: os._exit(1))
    _set_name(name)
    run()


def freeze() -> None:
    """Keep the garbage collector from what is loaded by now: it would write to each object.

    A page is shared until somebody writes to it.
    """
    gc.collect()
    gc.freeze()
    gc.enable()


def watch_parent(parent: int, end: Callable[[], None]) -> None:
    """Call `end` from a thread when the parent of this process exits."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.2)
        end()

    threading.Thread(target=watch, name="follow-parent", daemon=True).start()


def _set_name(name: str) -> None:
    """Set the name in `ps` and `top`, where the system has such a file."""
    with suppress(OSError):
        Path("/proc/self/comm").write_text(name[:15])
