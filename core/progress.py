"""Report the progress of a command: as a bar on a terminal, in lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

# Called with how much is done, and the total.
Progress = Callable[[int, int], None]

LINE_INTERVAL = 10.0  # seconds


def ignore_progress(done: int, total: int) -> None:
    """Report nothing."""


@contextmanager
def report_progress(
    title: str, unit: str, *, quiet: bool, to: TextIO | None = None
) -> Iterator[Progress]:
    """Report on standard error: with a bar on a terminal, else with a line every few seconds."""
    stream = to or sys.stderr
    if quiet:
        yield ignore_progress
    elif stream.isatty():
        with _show_bar(title, unit, stream) as progress:
            yield progress
    else:
        yield _print_lines(title, unit, stream)


@contextmanager
def _show_bar(title: str, unit: str, stream: TextIO) -> Iterator[Progress]:
    from tqdm import tqdm  # importing it takes a tenth of a second, and is rarely needed

    bar = tqdm(desc=title, unit=f" {unit}", unit_scale=True, file=stream, leave=False)

    def progress(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    with bar:
        yield progress


def _print_lines(title: str, unit: str, stream: TextIO) -> Progress:
    next_line = time.monotonic() + LINE_INTERVAL

    def progress(done: int, total: int) -> None:
        nonlocal next_line
        if time.monotonic() >= next_line:
            next_line = time.monotonic() + LINE_INTERVAL
            stream.write(f"{title}: {done:,} of {total:,} {unit}\n")
            stream.flush()

    return progress
