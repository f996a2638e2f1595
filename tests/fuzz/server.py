"""The server that is fuzzed: one of its own, in a scratch folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.deadline import SECONDS
from tests.free_ports import free_port

CHECKOUT = Path(__file__).parent.parent.parent


@contextmanager
def running_server(state: Path) -> Iterator[tuple[str, str]]:
    """Start a server, and give its address and the key of its operator."""
    port = free_port()
    own = {
        "OPENMEMORY_STATE_DIR": str(state),
        "OPENMEMORY_LOG_FORMAT": "json",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        **{f"OPENMEMORY_RATE_{kind}": "off" for kind in ("READS", "WRITES", "FAILED_KEYS")},
        # Nonsense goes into a database that is gone afterwards, whatever the shell says.
        "DATABASE_URL": "",
        "REDIS_URL": "",
    }
    log = state.parent / "server.log"
    command = [sys.executable, "manage.py", "run"]
    with log.open("w") as out:
        server = subprocess.Popen(
            command, cwd=CHECKOUT, env={**os.environ, **own}, stdout=out, stderr=out
        )
        url = f"http://127.0.0.1:{port}"
        try:
            wait_for(url, server)
            yield url, (state / "api_key").read_text().strip()
        finally:
            gone = server.poll() is not None
            server.send_signal(signal.SIGTERM)
            server.wait(SECONDS)
            tell_failures(log, gone=gone)


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until and server.poll() is None:
        try:
            if requests.get(f"{url}/health/ready", timeout=SECONDS).ok:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.5)
    raise SystemExit("The server did not start: see what `make run` says.")


def tell_failures(log: Path, *, gone: bool) -> None:
    """Print the errors of the server's log, since its folder goes away, and how it ended."""
    lines = log.read_text().split("\n")
    events = [json.loads(line) for line in lines if line.startswith("{")]
    for event in events:
        if event["level"] == "error":
            print(event["event"], event.get("exception", ""), sep="\n", file=sys.stderr)
    if gone:
        print("The server has ended by itself.", *lines[-20:], sep="\n", file=sys.stderr)
