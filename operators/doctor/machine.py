"""Check the disk, file permissions, the server process and its workers."""

from __future__ import annotations

import os
import shutil
import time
from datetime import timedelta
from pathlib import Path

import psutil
import redis
from django.conf import settings
from django.utils import timezone

from core.checks import Findings, Requires, check, error, format_list, ok, warning
from core.disk import FULL_BYTES, reserve_bytes
from embedded.ownership import Owner, Ownership
from jobs import reaper

GIGABYTE = 2**30
MEGABYTE = 2**20
# Warn below this share and these bytes of free space.
LOW_SHARE, LOW_BYTES = 0.15, 5 * GIGABYTE

# Sweeps that may be missed before the workers count as down.
MISSED_SWEEPS = 6

# Seconds after its start that a server has until its workers must have swept.
STARTUP_SECONDS = 300

# Files whose readers gain access to the server.
SECRET_FILES = ("secret_key", "api_key")


@check("machine.disk", requires=Requires.MACHINE)
def disk() -> Findings:
    backups = settings.BACKUP_FOLDER
    folders = {Path(settings.STATE_DIR), *([backups] if backups and backups.exists() else [])}
    for folder in sorted(folders):
        usage = shutil.disk_usage(folder)
        space = f"{usage.free / GIGABYTE:.1f} GB of {usage.total / GIGABYTE:.1f} are free"
        if usage.free < FULL_BYTES:
            yield error(
                f"The disk of {folder} is full: {usage.free // MEGABYTE} MB are free.",
                "Free up space now: nothing can be stored. The server then recovers by itself",
            )
        elif usage.free < reserve_bytes(folder):
            yield error(
                f"{folder}: {space}.",
                "Free up space now, before the database stops. Imports and exports have stopped",
            )
        elif usage.free < min(LOW_BYTES, LOW_SHARE * usage.total):
            yield warning(
                f"{folder}: {space}.",
                "Free up space with manage.py housekeep, or use a larger disk",
            )
        else:
            yield ok(f"{folder}: {space}.")


@check("machine.permissions", requires=Requires.MACHINE)
def permissions() -> Findings:
    folder = Path(settings.STATE_DIR)
    paths = [folder / name for name in SECRET_FILES if (folder / name).exists()]
    # Without local secrets and services the folder has nothing to protect.
    if paths or not settings.DATABASE_URL:
        paths.insert(0, folder)
    exposed = [str(path) for path in paths if path.stat().st_mode & 0o077]
    foreign = [str(path) for path in paths if path.stat().st_uid != os.geteuid()]
    if exposed:
        yield error(
            f"Other users of this machine can read: {format_list(exposed)}.",
            "Run chmod 700 on the folder and 600 on files, then rotate the secret",
        )
    if foreign:
        yield warning(
            f"Owned by another user: {format_list(foreign)}.", "Run the server as their owner"
        )
    if not exposed and not foreign:
        yield ok("No other user of this machine can read the state folder.")


@check("machine.server", requires=Requires.MACHINE)
def server() -> Findings:
    """Knows only of a server under `make run`, not of processes that run separately."""
    owner = _server()
    if owner:
        yield ok(f"The server is running: process {owner.pid}, at {owner.address}.")
    else:
        yield ok("make run has started no server here.")


@check("machine.workers", requires=Requires.MACHINE)
def workers() -> Findings:
    try:
        last_sweep = reaper.last_sweep()
    except redis.RedisError:
        last_sweep = None  # jobs.broker reports it
    max_silence = MISSED_SWEEPS * timedelta(seconds=settings.JOBS_SWEEP_SECONDS)
    if last_sweep is not None and timezone.now() - last_sweep < max_silence:
        yield ok("The workers are running.")
    elif not settings.DATABASE_URL and (server := _server()) is None:
        yield ok("Neither the server nor its workers are running.")
    elif not settings.DATABASE_URL and server and _is_starting(server):
        yield ok("The workers are starting.")
    else:
        since = f"since {last_sweep:%Y-%m-%d %H:%M} UTC" if last_sweep else "so far"
        yield error(
            f"No worker has looked for jobs {since}.",
            "Start workers: python -m server.worker quick, and one for long",
        )


def _is_starting(server: Owner) -> bool:
    return time.time() - psutil.Process(server.pid).create_time() < STARTUP_SECONDS


def _server() -> Owner | None:
    owner = Ownership(settings.STATE_DIR).owner()
    return owner if owner and owner.address and psutil.pid_exists(owner.pid) else None
