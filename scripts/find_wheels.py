"""Say for which machines each locked requirement has a wheel: `make wheels`.

Nothing is downloaded but what the registry knows of the files. The hashes must match, too. Exit
codes: 0, or 1 if a machine that is supported lacks a wheel, or the registry was not reached.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements.lock", "requirements-binaries.lock")
UV = Path(sys.executable).with_name("uv")

SUPPORTED = {
    "Linux, x86-64": "x86_64-manylinux_2_28",
    "Linux, aarch64": "aarch64-manylinux_2_28",
    "macOS 14, Apple silicon": "aarch64-apple-darwin",
}
OTHERS = {
    "macOS 14, Intel": "x86_64-apple-darwin",
    "Linux with musl, x86-64": "x86_64-unknown-linux-musl",
    "Linux with musl, aarch64": "aarch64-unknown-linux-musl",
    "Windows, x86-64": "x86_64-pc-windows-msvc",
    "Windows, aarch64": "aarch64-pc-windows-msvc",
}


def main(arguments: Sequence[str]) -> int:
    python = arguments[0] if arguments else "3.11"
    failed = False
    for name, platform in {**SUPPORTED, **OTHERS}.items():
        missing = find_missing(platform, python)
        failed |= bool(missing) and name in SUPPORTED
        print(f"{name}: {', '.join(missing) or 'all wheels'}")
    return int(failed)


def find_missing(platform: str, python: str) -> list[str]:
    """The requirements without a wheel for a platform and a version of Python."""
    texts = [(ROOT / lock).read_text() for lock in LOCKS]
    if has_wheels(platform, python, "\n".join(texts)):
        return []
    entries = [entry for text in texts for entry in split_entries(text)]
    missing = [entry for entry in entries if not has_wheels(platform, python, entry)]
    return [entry.split()[0] for entry in missing]


def split_entries(lock: str) -> list[str]:
    """The requirements of a lock file, each with its hashes."""
    return re.findall(r"^\S+==.*(?:\n +--hash.*)*", lock, flags=re.M)


def has_wheels(platform: str, python: str, requirements: str) -> bool:
    with tempfile.TemporaryDirectory(prefix="om-wheels-") as folder:
        file = Path(folder) / "requirements.txt"
        file.write_text(requirements)
        command = [
            str(UV), "pip", "install", "--dry-run", "--quiet", "--no-deps", "--require-hashes",
            "--only-binary", ":all:", "--python-platform", platform, "--python-version", python,
            "--target", f"{folder}/packages", "--requirement", str(file),
        ]  # fmt: skip
        # The macOS that is asked for: uv would ask for an older one.
        environment = {**os.environ, "MACOSX_DEPLOYMENT_TARGET": "14.0"}
        ended = subprocess.run(command, capture_output=True, text=True, env=environment)  # noqa: S603
    return ended.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
