"""The unprivileged account that PostgreSQL runs as when the server was started as root."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from .errors import ServiceFailed


@dataclass(frozen=True)
class Account:
    uid: int
    gid: int


def unprivileged(data: Path, checkout: Path) -> Account | None:
    """Tell who PostgreSQL has to run as: nobody else (None), unless this process is root.

    Whoever owns the data, so that it stays readable; else the owner of the checkout; else nobody.
    """
    if os.geteuid() != 0:
        return None
    if data.exists() and data.stat().st_uid != 0:
        return Account(data.stat().st_uid, data.stat().st_gid)
    candidates = (_by_uid(checkout.stat().st_uid), _by_name("nobody"))
    account = next((a for a in candidates if a is not None and a.uid != 0), None)
    if account is None:
        raise ServiceFailed(
            "PostgreSQL does not run as root, and this machine has no account named nobody. "
            "Start the server as an ordinary user, or set DATABASE_URL."
        )
    return account


def _by_uid(uid: int) -> Account | None:
    try:
        entry = pwd.getpwuid(uid)  # initdb insists on an entry
    except KeyError:
        return None
    return Account(entry.pw_uid, entry.pw_gid)


def _by_name(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(entry.pw_uid, entry.pw_gid)
