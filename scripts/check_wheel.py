"""Install a wheel of the server as a stranger does, and measure the time to the first memory."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

FACT, QUESTION = "Our dog Rex is afraid of thunder", "What scares my pet?"
START_SECONDS = 300.0


def main(wheel: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="om-wheel-") as name:
        folder = Path(name)
        venv.create(folder / "venv", with_pip=True)
        program = folder / "venv/bin/openmemory"
        install = [str(folder / "venv/bin/pip"), "install", "--quiet", "--only-binary", ":all:"]
        subprocess.run([*install, str(wheel.resolve())], check=True)  # noqa: S603
        began = time.monotonic()
        _store_and_find(program, folder)
        seconds = time.monotonic() - began
        sys.stdout.write(f"From the installed wheel to a memory: {seconds:.0f} s\n")


def _store_and_find(program: Path, folder: Path) -> None:
    state, port = folder / "state", _free_port()
    # As in a new login: no variable of this process reaches the server.
    environment = {"HOME": str(folder), "PATH": os.environ["PATH"]}
    command = [str(program), "--state", str(state), "up", "--port", str(port)]
    server = subprocess.Popen(command, env=environment, cwd=folder)  # noqa: S603
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_ready(url, server)
        key = (state / "api_key").read_text().strip()
        _post(f"{url}/api/v1/memories", key, {"text": FACT})
        found = _post(f"{url}/api/v1/memories/search", key, {"query": QUESTION})
        if [hit["text"] for hit in found["results"]] != [FACT]:
            sys.exit(f"The memory was not found: {found}")
    finally:
        server.send_signal(signal.SIGINT)
        server.wait()


def _wait_until_ready(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with urlopen(f"{url}/health/ready", timeout=5):  # noqa: S310
                return
        except OSError:  # also an answer that it is not ready
            time.sleep(0.2)
    sys.exit("The server did not start.")


def _post(url: str, key: str, body: dict[str, Any]) -> Any:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = Request(url, json.dumps(body).encode(), headers)  # noqa: S310
    with urlopen(request, timeout=60) as response:  # noqa: S310
        return json.load(response)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
