"""One running server for all tests that are clients of one: each brings a user of its own."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import requests

from tests.deadline import SECONDS
from tests.server.processes import Server


class SharedServer(Server):
    """`folder` is where it was started: its state is in `var/` there."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "var", USER="default_user")
        self.folder = folder

    def make_key(self, user_id: str) -> str:
        """Make a key for a new operator, as its owner does."""
        return self.output_of("create_api_key", user_id, "--create-user", "--operator")

    def call(self, method: str, path: str, **request: Any) -> Any:
        """Call the API as the default user, who is an operator."""
        answer = requests.request(
            method,
            f"{self.url}/api/v1{path}",
            headers={"Authorization": f"Bearer {self.key}"},
            timeout=SECONDS,
            **request,
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None


@pytest.fixture(scope="session")
def shared_server() -> Iterator[SharedServer]:
    with TemporaryDirectory(prefix="openmemory-") as folder:
        server = SharedServer(Path(folder))
        try:
            server.start()
            yield server
            server.end(signal.SIGINT)
        finally:
            server.kill_everything()
