"""The wheel holds the server and what it needs, and its command runs outside a checkout."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from django.conf import settings
from packaging.requirements import Requirement

ROOT = Path(settings.BASE_DIR)
SITE = "openmemory_server/site/"
LEFT_OUT = {"tests", "benchmarks", "scripts", "docs", "docker", "packaging", "clients"}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (file,) = folder.glob("*.whl")
    return zipfile.ZipFile(file)


def test_it_holds_each_file_of_the_server_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    names = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    expected = {
        name
        for name in names.stdout.splitlines()
        if "/" in name and name[0] != "." and name.split("/")[0] not in LEFT_OUT
    }
    held = {name.removeprefix(SITE) for name in wheel.namelist() if name.startswith(SITE)}

    assert expected <= held
    assert {name.split("/")[0] for name in wheel.namelist()} == {
        "openmemory_server", f"openmemory-{settings.VERSION}.dist-info",
    }  # fmt: skip
    assert not {name.split("/")[0] for name in held} & LEFT_OUT


def test_it_requires_what_the_server_requires(wheel: zipfile.ZipFile) -> None:
    metadata = Parser().parsestr(
        wheel.read(f"openmemory-{settings.VERSION}.dist-info/METADATA").decode()
    )
    required = {str(Requirement(text)).lower() for text in metadata.get_all("Requires-Dist", [])}
    lines = [
        line.partition("#")[0].strip()
        for name in ("requirements.txt", "requirements-binaries.txt")
        for line in (ROOT / name).read_text().splitlines()
    ]

    assert required == {str(Requirement(line)).lower() for line in lines if line}


def test_its_command_keeps_the_state_in_the_users_folder(
    wheel: zipfile.ZipFile, tmp_path: Path
) -> None:
    wheel.extractall(tmp_path / "packages")
    environment = {"HOME": str(tmp_path), "PYTHONPATH": str(tmp_path / "packages")}
    start = "import sys; sys.argv[0] = 'openmemory'; from openmemory_server import main; main()"

    def output_of(*arguments: str) -> str:
        ended = subprocess.run(
            [sys.executable, "-c", start, *arguments],
            cwd=tmp_path, env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return ended.stdout

    assert "openmemory up" in output_of()
    assert output_of("key", "--help").startswith("usage: openmemory key ")
    completion = output_of("completion", "bash")
    assert "create-user" in completion
    state = subprocess.run(
        [
            sys.executable,
            "-c",
            "import openmemory_server, sys; sys.argv = ['openmemory']; openmemory_server.main();"
            "from openmemory import settings;"
            "print(settings.STATE_DIR, settings.RUN_COMMAND)",
        ],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert state.stdout.splitlines()[-1] == f"{tmp_path}/.local/share/openmemory openmemory up"
