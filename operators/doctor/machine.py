"""Whether this machine has room, and keeps to itself what it should."""

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
from embedded.ownership import Owner, Ownership
from jobs import reaper

GIGABYTE = 2**30
# Share of the disk and bytes: below both, somebody should know; below the second, PostgreSQL stops.
LITTLE_SHARE, LITTLE, TOO_LITTLE = 0.1, 5 * GIGABYTE, GIGABYTE // 2

# Sweeps that may be missed before a worker is taken for dead.
SILENT = 6

# Seconds that a server which was just started has until its workers are heard of.
STARTING = 300

# What opens the server to whoever reads it.
SECRETS = ("secret_key", "api_key")


@check("machine.disk", requires=Requires.MACHINE)
def disk() -> Findings:
    backups = settings.BACKUP_FOLDER
    folders = {Path(settings.STATE_DIR), *([backups] if backups and backups.exists() else [])}
    for folder in sorted(folders):
        usage = shutil.disk_usage(folder)
        room = f"{usage.free / GIGABYTE:.1f} GB of {usage.total / GIGABYTE:.1f} are free"
        if usage.free < TOO_LITTLE:
            yield error(f"{folder}: {room}.", "Make room now: without it the database stops")
        elif usage.free < min(LITTLE, LITTLE_SHARE * usage.total):
            yield warning(f"{folder}: {room}.", "Make room: manage.py housekeep, or a larger disk")
        else:
            yield ok(f"{folder}: {room}.")


@check("machine.permissions", requires=Requires.MACHINE)
def permissions() -> Findings:
    folder = Path(settings.STATE_DIR)
    ours = [folder / name for name in SECRETS if (folder / name).exists()]
    # With secrets and services elsewhere there is nothing to read: whose it is, a cluster says.
    if ours or not settings.DATABASE_URL:
        ours.insert(0, folder)
    exposed = [str(path) for path in ours if path.stat().st_mode & 0o077]
    foreign = [str(path) for path in ours if path.stat().st_uid != os.geteuid()]
    if exposed:
        yield error(
            f"Others on this machine can read: {format_list(exposed)}.",
            "Close it: chmod 700 for the folder, 600 for a file; then make a new secret",
        )
    if foreign:
        yield warning(
            f"Belongs to another user: {format_list(foreign)}.", "Run as the one it belongs to"
        )
    if not exposed and not foreign:
        yield ok("Nobody else on this machine reads the state folder.")


@check("machine.server", requires=Requires.MACHINE)
def server() -> Findings:
    """Elsewhere than under `make run` each program runs by itself, and is not known here."""
    owner = _server()
    where = f"process {owner.pid}, at {owner.address}" if owner else "by make run"
    yield ok(f"The server runs: {where}." if owner else f"No server was started here {where}.")


@check("machine.workers", requires=Requires.MACHINE)
def workers() -> Findings:
    try:
        swept = reaper.last_sweep()
    except redis.RedisError:
        swept = None  # the check of the broker says it
    silent = SILENT * timedelta(seconds=settings.JOBS_SWEEP_SECONDS)
    if swept is not None and timezone.now() - swept < silent:
        yield ok("A worker looked for jobs a moment ago.")
    elif not settings.DATABASE_URL and (server := _server()) is None:
        yield ok("No worker runs, as the server does not.")
    elif not settings.DATABASE_URL and server and _is_young(server):
        yield ok("The workers are starting.")
    else:
        since = f"since {swept:%Y-%m-%d %H:%M} UTC" if swept else "so far"
        yield error(
            f"No worker has looked for jobs {since}.",
            "Start one: python -m server.worker quick, and one for long",
        )


def _is_young(server: Owner) -> bool:
    return time.time() - psutil.Process(server.pid).create_time() < STARTING


def _server() -> Owner | None:
    owner = Ownership(settings.STATE_DIR).owner()
    return owner if owner and owner.address and psutil.pid_exists(owner.pid) else None
