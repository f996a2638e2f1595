"""The folders of the services' sockets, which no other user may enter or write to."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from .errors import ServiceFailed


def ensure_private_folder(folder: Path, uid: int, gid: int) -> None:
    """Ensure that the folder exists with mode 0700. Raises ServiceFailed for another user's."""
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in (os.geteuid(), uid):
        raise ServiceFailed(f"Another user owns {folder}: remove it.")
    if status.st_uid != uid:
        os.chown(folder, uid, gid, follow_symlinks=False)
    if status.st_mode & 0o077:
        folder.chmod(0o700)
