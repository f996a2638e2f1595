"""Pack a folder of this machine into a ZIP, as if somebody had sent it."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO


@contextmanager
def open_packed(path: Path) -> Iterator[IO[bytes]]:
    """Open a file, or a folder as a ZIP, without what is hidden and what links lead to."""
    if not path.is_dir():
        with path.open("rb") as file:
            yield file
        return
    with TemporaryFile() as target:
        with zipfile.ZipFile(target, "w", strict_timestamps=False) as archive:
            for file_path in _files_of(path):
                name = Path(path.resolve().name or "folder") / file_path.relative_to(path)
                archive.write(file_path, name)
        target.seek(0)
        yield target


def _files_of(folder: Path) -> Iterator[Path]:
    for current, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(current) / name
            if not name.startswith(".") and path.is_file() and not path.is_symlink():
                yield path
