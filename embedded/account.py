"""The unprivileged account that runs PostgreSQL if the server was started as root."""

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


def unprivileged_account(data: Path, checkout: Path) -> Account | None:
    """Return the account that must run PostgreSQL, or None unless this process is root.

    The owner of the data, so that it stays readable; else the owner of the checkout; else `nobody`.
    """
    if os.geteuid() != 0:
        return None
    if data.exists() and data.stat().st_uid != 0:
        return Account(data.stat().st_uid, data.stat().st_gid)
    candidates = (_by_uid(checkout.stat().st_uid), _by_name("nobody"))
    for account in candidates:
        if account is not None and account.uid != 0:
            return account
    raise ServiceFailed(
        "PostgreSQL does not run as root, and this machine has no account named nobody. "
        "Start the server as an ordinary user, or set DATABASE_URL."
    )


def _by_uid(uid: int) -> Account | None:
    try:
        entry = pwd.getpwuid(uid)  # initdb requires an entry
    except KeyError:
        return None
    return Account(entry.pw_uid, entry.pw_gid)


def _by_name(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(entry.pw_uid, entry.pw_gid)
