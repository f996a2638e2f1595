"""Call every operation of the schema with valid and with broken input: `make fuzz`.

A server is started in a scratch folder, some memories are put into it, and schemathesis looks for
a 500, and for an answer that the schema does not allow. Arguments are passed on to it, such as
`-n 500` for more examples of each operation.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

HERE = Path(__file__).parent
CHECKOUT = HERE.parent.parent
TEXTS = ["I like green tea.", "My bicycle is red.", "Ana moved to Lisbon in May.", "日本語 🦊"]

# Seconds that a server in an empty folder may take to start.
PATIENCE = 120


def main(arguments: list[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="openmemory-fuzz-") as folder:
        scratch = Path(folder)
        with running_server(scratch / "state") as (url, key):
            write_dictionaries(scratch, url, key)
            return fuzz(scratch, url, key, arguments)


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
            server.send_signal(signal.SIGTERM)
            server.wait(30)
            tell_failures(log)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and server.poll() is None:
        try:
            if requests.get(f"{url}/health/ready", timeout=5).ok:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.5)
    raise SystemExit("The server did not start: see what `make run` says.")


def write_dictionaries(scratch: Path, url: str, key: str) -> None:
    """Put down some memories, so that input can name what there is."""
    shutil.copy(HERE / "schemathesis.toml", scratch)
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {key}"
        answers = [
            session.post(f"{url}/api/v1/memories", json={"text": text, "app": app}, timeout=60)
            for text in TEXTS
            for app in ("fuzz", "other")
        ]
    memories = [answer.json() for answer in answers]
    ids = {memory["id"] for memory in memories}
    apps = {memory["app_id"] for memory in memories}
    names = {"fuzz", "other", "preferences", "active", "paused", "archived", "deleted"}
    for name, words in {"memories": ids, "apps": apps, "known": ids | apps | names}.items():
        (scratch / f"{name}.txt").write_text("".join(f'"{word}"\n' for word in sorted(words)))


def fuzz(scratch: Path, url: str, key: str, arguments: list[str]) -> int:
    program = str(Path(sys.executable).with_name("schemathesis"))
    options = ["-H", f"Authorization: Bearer {key}", *arguments]
    command = [program, "run", f"{url}/api/schema", *options]
    return subprocess.run(command, cwd=scratch, check=False).returncode


def tell_failures(log: Path) -> None:
    """Print the errors of the server's log, since its folder goes away, and how it ended."""
    lines = log.read_text().split("\n")
    events = [json.loads(line) for line in lines if line.startswith("{")]
    for event in events:
        if event["level"] == "error":
            print(event["event"], event.get("exception", ""), sep="\n", file=sys.stderr)
    if not events:
        print(*lines[-20:], sep="\n", file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
