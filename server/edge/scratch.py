from __future__ import annotations

from functools import cache
from pathlib import Path

from django.conf import settings


@cache
def scratch_folder() -> Path:
    folder: Path = settings.STATE_DIR / "scratch"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
