"""The folders that the services' sockets stand in: nobody else may put one there, or enter."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from .errors import ServiceFailed


def own(folder: Path, uid: int, gid: int) -> None:
    """Make the folder, 0700, for this user. Raises ServiceFailed when it is somebody else's."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.geteuid(), uid):
        raise ServiceFailed(f"{folder} belongs to somebody else: remove it.")
    if found.st_uid != uid:
        os.chown(folder, uid, gid, follow_symlinks=False)
    if found.st_mode & 0o077:
        folder.chmod(0o700)
