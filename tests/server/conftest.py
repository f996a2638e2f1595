from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .processes import Server


@pytest.fixture
def state_dir() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="om-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def is_new() -> bool:
    """Whether the server of a file makes its database by itself, as at a first start."""
    return False


@pytest.fixture(scope="module")
def one_server(is_new: bool) -> Iterator[Server]:
    """A server for the tests of one file, each of which may stop or kill it."""
    server = Server(Path(tempfile.mkdtemp(prefix="om-")), migrated=not is_new)
    yield server
    server.kill_everything()
    shutil.rmtree(server.state_dir)


@pytest.fixture
def server(one_server: Server) -> Server:
    """A server that runs."""
    if one_server.process is None or one_server.process.poll() is not None:
        one_server.start()
    return one_server
