"""Tell how far it is: to whoever looks at a terminal, and to whatever reads a pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

# Told how much is done, of how much.
Progress = Callable[[int, int], None]

# Seconds between two lines in a pipe.
LINE_INTERVAL = 10.0


def ignore_progress(done: int, total: int) -> None:
    """Tell nobody."""


@contextmanager
def report_progress(
    what: str, unit: str, *, quiet: bool, to: TextIO | None = None
) -> Iterator[Progress]:
    """Tell on standard error: with a bar on a terminal, else with a line from time to time."""
    stream = to or sys.stderr
    if quiet:
        yield ignore_progress
    elif stream.isatty():
        with _show_bar(what, unit, stream) as progress:
            yield progress
    else:
        yield _print_lines(what, unit, stream)


@contextmanager
def _show_bar(what: str, unit: str, stream: TextIO) -> Iterator[Progress]:
    from tqdm import tqdm  # which takes a tenth of a second, and is needed here alone

    bar = tqdm(desc=what, unit=f" {unit}", unit_scale=True, file=stream, leave=False)

    def progress(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    with bar:
        yield progress


def _print_lines(what: str, unit: str, stream: TextIO) -> Progress:
    next_line = time.monotonic() + LINE_INTERVAL

    def progress(done: int, total: int) -> None:
        nonlocal next_line
        if time.monotonic() >= next_line:
            next_line = time.monotonic() + LINE_INTERVAL
            stream.write(f"{what}: {done:,} of {total:,} {unit}\n")
            stream.flush()

    return progress
