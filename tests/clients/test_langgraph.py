"""The adapter for LangGraph: its page, and LangGraph's own tests of stores."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests import fences
from tests.clients.registries import cached, install

pytestmark = pytest.mark.slow

SOURCE = Path(settings.BASE_DIR) / "clients" / "python" / "src"
PAGE = Path(settings.BASE_DIR) / "docs" / "langgraph.md"
STORES = "langgraph-checkpoint==4.3.2"  # has BaseStore, and in its sources the tests
PACKAGES = ["httpx", "langgraph==1.2.24", STORES, "pytest", "pytest-asyncio", "pytest-mock"]

# LangGraph's file of tests builds InMemoryStores; these take their place.
SHIM = """
import os, uuid
from openmemory_client import Client
from openmemory_client.adapters.langgraph import OpenMemoryStore

class InMemoryStore(OpenMemoryStore):
    def __init__(self, *, index=None):
        client = Client(os.environ["OPENMEMORY_URL"], os.environ["OPENMEMORY_API_KEY"])
        root = "test-" + uuid.uuid4().hex
        super().__init__(client, root=root, index=(index or {}).get("fields"))
        self.index_config = index
"""


@pytest.fixture(scope="module")
def packages() -> Path:
    folder = cached("langgraph")
    install(folder, sys.executable, "-m", "pip", "install", "-q", "--target", ".", *PACKAGES)
    return folder


@pytest.fixture(scope="module")
def their_tests() -> Path:
    folder = cached("langgraph-tests")
    sources = ["--no-deps", "--no-binary", "langgraph-checkpoint", STORES]
    install(folder, sys.executable, "-m", "pip", "download", "-q", *sources)
    [file] = folder.glob("*.tar.gz")
    with tarfile.open(file) as archive:
        archive.extractall(folder, filter="data")
    return folder / file.name.removesuffix(".tar.gz") / "tests"


@pytest.fixture
def environment(shared_server: Any, packages: Path, request: pytest.FixtureRequest) -> Any:
    body = {"user_id": request.node.name}
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{packages}:{SOURCE}",
        "OPENMEMORY_URL": shared_server.url,
        "OPENMEMORY_API_KEY": shared_server.call("POST", "/users", json=body)["api_key"],
    }


def output_of(*arguments: str, environment: dict[str, str], folder: Path) -> str:
    # -S: with these packages alone, and not those of the server.
    done = subprocess.run(
        [sys.executable, "-S", *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_page_runs(environment: dict[str, str], tmp_path: Path) -> None:
    [block] = [each for each in fences.read(PAGE) if each.language == "python"]
    program = block.code.replace('"http://127.0.0.1:8000", "om_..."', "")

    printed = output_of("-c", program, environment=environment, folder=tmp_path)

    assert printed == "Ann likes tea\n"


def test_langgraphs_own_tests_of_stores_pass(
    environment: dict[str, str], their_tests: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "tests"
    folder.mkdir()
    shutil.copy(their_tests / "embed_test_utils.py", folder)
    (folder / "__init__.py").touch()
    (folder / "shim.py").write_text(SHIM)
    text = (their_tests / "test_store.py").read_text()
    text = text.replace("from langgraph.store.memory import", "from tests.shim import")
    (folder / "test_store.py").write_text(text)
    environment["PYTHONPATH"] += f":{tmp_path}"

    command = ["-m", "pytest", "-q", "-o", "asyncio_mode=auto", "tests/test_store.py"]
    printed = output_of(*command, environment=environment, folder=tmp_path)

    [passed] = re.findall(r"^(\d+) passed in", printed, re.MULTILINE)  # and none was skipped
    assert int(passed) > 24
