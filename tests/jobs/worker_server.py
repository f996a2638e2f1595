"""A server with workers, for jobs that wait at a gate until they are let go."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import redis

from embedded.state_folder import VALKEY_SOCKET, socket_folder
from tests.deadline import eventually
from tests.server.processes import Server


class WorkerServer(Server):
    """A server that runs the jobs of `tests.jobs.effects`."""

    def __init__(self, state_dir: Path, **environment: str) -> None:
        settings = {
            "DJANGO_SETTINGS_MODULE": "tests.jobs.settings",
            "OPENMEMORY_WEB_PROCESSES": "1",
            "OPENMEMORY_LONG_JOBS_NICENESS": "0",
            "OPENMEMORY_JOBS_LEASE_SECONDS": "4",
            "OPENMEMORY_JOBS_SWEEP_SECONDS": "1",
        }
        super().__init__(state_dir, **(settings | environment))

    def enqueue(self, gate: Path, kind: str = "trace") -> str:
        answer = self.post("/effects", {"kind": kind, "parameters": {"gate": str(gate)}})
        assert answer.status_code == 202, answer.text
        return answer.json()["id"]

    def job(self, job_id: str) -> dict[str, Any]:
        return self.get(f"/api/v1/jobs/{job_id}").json()

    def effects(self) -> list[str]:
        return self.get("/effects").json()

    def has_succeeded(self, job_id: str) -> bool:
        return self.job(job_id)["state"] == "succeeded"

    def have_succeeded(self, jobs: list[str]) -> bool:
        return all(self.has_succeeded(job) for job in jobs)

    def postgres(self) -> psutil.Process:
        return self.child("postgres", "-D")

    def broker(self) -> redis.Redis:
        path = socket_folder(self.state_dir, "valkey") / VALKEY_SOCKET
        return redis.Redis(unix_socket_path=str(path))


@contextmanager
def running_server(**environment: str) -> Iterator[WorkerServer]:
    """Have such a server, for as long as the block runs."""
    server = WorkerServer(Path(tempfile.mkdtemp(prefix="om-")), **environment)
    try:
        server.start()
        assert server.effects() == []  # which makes the table, too
        yield server
    finally:
        server.kill_everything()
        shutil.rmtree(server.state_dir)


def has_started(gate: Path, job_id: str, attempt: int = 1) -> bool:
    return eventually(lambda: (gate / f"{job_id}-{attempt}").exists())


def open_gate(gate: Path) -> None:
    (gate / "open").touch()


@contextmanager
def suspended(*processes: psutil.Process) -> Iterator[None]:
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()
