"""Several processes, and what they have measured together."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import requests
from django.conf import settings
from prometheus_client.parser import text_string_to_metric_families

from tests.deadline import SECONDS, eventually

PROGRAM = """
import sys
from pathlib import Path
from core.observability import multiprocess
if sys.argv[2] == "first":
    multiprocess.share_metrics(Path(sys.argv[1]), "web")
else:
    import os
    os.environ[multiprocess.FOLDER] = str(Path(sys.argv[1], "web"))
from core.observability import metrics
metrics.EMBEDDED_TEXTS.labels("m").inc(2)
metrics.POOL_WAITING.set(5)
from prometheus_client import generate_latest
shared = multiprocess.SharedMetrics(Path(sys.argv[1]))
print(generate_latest(multiprocess.build_registry(shared)).decode())
"""


def run(folder: Path, which: str) -> dict[str, float]:
    """Measure something in a process of its own, which then tells what all have measured."""
    measured = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder), which],
        cwd=settings.BASE_DIR,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    families = text_string_to_metric_families(measured)
    return {sample.name: sample.value for family in families for sample in family.samples}


def test_what_processes_have_counted_is_added_up(tmp_path):
    run(tmp_path, "first")

    measured = run(tmp_path, "second")

    assert measured["openmemory_embedded_texts_total"] == 4


def test_how_a_process_was_that_is_no_more_is_left_out(tmp_path):
    run(tmp_path, "first")

    measured = run(tmp_path, "second")

    assert measured["openmemory_database_pool_waiting"] == 5


def test_a_program_that_is_started_again_counts_anew(tmp_path):
    run(tmp_path, "first")

    measured = run(tmp_path, "first")

    assert measured["openmemory_embedded_texts_total"] == 2


def test_a_server_tells_of_all_its_processes(shared_server):
    # Some of these are answered by one process, some by the other.
    before = figure(shared_server, "openmemory_requests_total", "health/live")

    for _ in range(20):
        requests.get(f"{shared_server.url}/health/live", timeout=SECONDS)

    assert figure(shared_server, "openmemory_requests_total", "health/live") == before + 20


def test_a_server_tells_of_its_workers(shared_server):
    headers = {"Authorization": f"Bearer {shared_server.key}", "Prefer": "respond-async"}
    address = f"{shared_server.url}/api/v1/backup/export"
    assert requests.post(address, json={}, headers=headers, timeout=SECONDS).status_code == 202

    assert eventually(lambda: figure(shared_server, "openmemory_job_runs_total", "succeeded"))


def figure(server, name: str, label: str) -> float:
    headers = {"Authorization": f"Bearer {server.key}"}
    measured = requests.get(f"{server.url}/metrics", headers=headers, timeout=SECONDS).text
    return sum(
        sample.value
        for family in text_string_to_metric_families(measured)
        for sample in family.samples
        if sample.name == name and label in sample.labels.values()
    )
