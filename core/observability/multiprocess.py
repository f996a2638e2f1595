"""Add up what the processes of a machine have measured.

Each process of the web server and of the workers writes into files of one folder, and whichever is
asked for the metrics reads them all. In other processes, such as those of commands, the metrics
stay where they are made.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.metrics_core import Metric

# prometheus_client looks at it when it is imported, and never again: so it is not imported here.
FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def share_metrics(folder: Path, program: str) -> None:
    """Have the processes of this program write into files of the folder.

    Called in its first process, before anything is measured. What an earlier run has left there is
    removed: counters begin anew, as Prometheus expects of a program that was started again.
    """
    own = folder / program
    shutil.rmtree(own, ignore_errors=True)
    own.mkdir(parents=True, mode=0o700)
    os.environ[FOLDER] = str(own)


class SharedMetrics:
    """The metrics of all processes that share a folder; of this one alone where it shares none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        from prometheus_client import REGISTRY
        from prometheus_client.multiprocess import MultiProcessCollector

        if FOLDER not in os.environ:
            return REGISTRY.collect()
        files = [str(path) for path in self._folder.glob("*/*.db") if not _is_left(path)]
        merged: Iterable[Metric] = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]
        return merged


def serve_metrics(collector: SharedMetrics, *, port: int) -> None:
    """Answer for the metrics on a port, from a thread, to everybody who reaches it."""
    from prometheus_client import start_http_server

    start_http_server(port, registry=build_registry(collector))


def _is_left(path: Path) -> bool:
    """Whether it says how something is in a process that is no more. What was counted stays."""
    kind, *_, process = path.stem.split("_")
    return kind == "gauge" and not psutil.pid_exists(int(process))


def build_registry(*collectors: object) -> CollectorRegistry:
    """What one answer is put together of, in this order."""
    from prometheus_client import CollectorRegistry

    made = CollectorRegistry()
    for collector in collectors:
        made.register(collector)  # type: ignore[arg-type]
    return made
