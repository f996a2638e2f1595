"""The former names of two programs, which service managers may still use."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from django.conf import settings

from tests.deadline import SECONDS, eventually
from tests.free_ports import free_port

Program = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(state_dir: Path) -> Iterator[Program]:
    """Start a module as a program, with a state folder of its own and without any service."""
    started: list[subprocess.Popen[str]] = []

    def start(*module: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", *module],
            cwd=settings.BASE_DIR,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "openmemory.settings",
                "OPENMEMORY_STATE_DIR": str(state_dir),
                "DATABASE_URL": "",
                "REDIS_URL": "",
                **environment,
            },
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=SECONDS).status_code == 200
    except requests.ConnectionError:
        return False


@pytest.mark.parametrize(
    ("former", "present"),
    [
        (["openmemory.serving"], ["server.web"]),
        (["openmemory.working", "quick"], ["server.worker", "quick"]),
        (["openmemory.working", "beat"], ["server.worker", "beat"]),
    ],
)
def test_a_wrong_setting_is_told_in_the_same_sentence(start: Program, former, present):
    ended = [start(*module, HOST="0.0.0.0") for module in (former, present)]

    told = [process.communicate(timeout=SECONDS)[1] for process in ended]

    assert told[0] == told[1]
    assert told[0].startswith("Invalid settings: ")
    assert [process.returncode for process in ended] == [1, 1]


def test_the_web_server_answers_under_its_former_name(start: Program):
    port = free_port()

    process = start("openmemory.serving", HOST="127.0.0.1", PORT=str(port))

    assert eventually(lambda: answers(f"http://127.0.0.1:{port}/health/live"))
    process.send_signal(signal.SIGTERM)
    assert process.wait(SECONDS) == 0


def test_a_worker_starts_under_its_former_name(start: Program):
    port = free_port()

    start("openmemory.working", "quick", OPENMEMORY_WORKER_METRICS_PORT=str(port))

    assert eventually(lambda: answers(f"http://127.0.0.1:{port}/metrics"))
