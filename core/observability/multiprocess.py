"""Merge the metrics of all processes of a machine.

Each process of the web server and the workers writes to files in one folder. The process that
serves the metrics reads them all. Other processes, such as commands, keep their metrics to
themselves.
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

# prometheus_client reads it only on import, so this module must not import it on its own import.
FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def share_metrics(folder: Path, program: str) -> None:
    """Have the processes of this program write their metrics to files in the folder.

    Call it in the program's first process, before measuring anything. It removes the files of an
    earlier run: counters restart at zero, as Prometheus expects after a restart.
    """
    program_folder = folder / program
    shutil.rmtree(program_folder, ignore_errors=True)
    program_folder.mkdir(parents=True, mode=0o700)
    os.environ[FOLDER] = str(program_folder)


class SharedMetrics:
    """A collector of all processes that share a folder, or of this process if it shares none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        from prometheus_client import REGISTRY
        from prometheus_client.multiprocess import MultiProcessCollector

        if FOLDER not in os.environ:
            return REGISTRY.collect()
        files = [str(path) for path in self._folder.glob("*/*.db") if not _is_stale(path)]
        merged: Iterable[Metric] = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]
        return merged


def serve_metrics(collector: SharedMetrics, *, port: int) -> None:
    """Serve the metrics on a port, from a thread, without authentication."""
    from prometheus_client import start_http_server

    start_http_server(port, registry=build_registry(collector))


def _is_stale(path: Path) -> bool:
    """Whether a file has gauges of a process that has ended. Its counters stay valid."""
    metric_type, *_, pid = path.stem.split("_")
    return metric_type == "gauge" and not psutil.pid_exists(int(pid))


def build_registry(*collectors: object) -> CollectorRegistry:
    """Return a registry of these collectors, in this order."""
    from prometheus_client import CollectorRegistry

    registry = CollectorRegistry()
    for collector in collectors:
        registry.register(collector)  # type: ignore[arg-type]
    return registry
