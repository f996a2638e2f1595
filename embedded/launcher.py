"""Become what a child process has to be, and then its program.

Run as a script of its own, by `processes.spawn`. Between fork and exec Python code is not safe
when there are threads; here it is ordinary code. It imports nothing but the standard library.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_SECUREBITS = 28
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2

SECBIT_NO_SETUID_FIXUP = 1 << 2
CAPABILITY_VERSION_3 = 0x20080522
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
CAP_SETPCAP = 8


def main() -> None:
    options = _options()
    if options.uid is not None:
        if sys.platform == "linux":
            _keep_one_capability_as(options.uid, options.gid)
        else:
            _become(options.uid, options.gid)
    if sys.platform == "linux":
        _follow_the_parent(options.parent, signal.Signals[options.dies_by])
    os.umask(0o077)
    try:
        os.execv(options.program[0], options.program)  # noqa: S606
    except OSError as error:
        sys.exit(f"{options.program[0]} cannot be run as user {os.getuid()}: {error.strerror}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--dies-by", required=True)
    parser.add_argument("--uid", type=int)
    parser.add_argument("--gid", type=int)
    parser.add_argument("program", nargs="+")
    return parser.parse_args()


def _follow_the_parent(parent: int, dies_by: signal.Signals) -> None:
    """Be signalled when the parent dies, however it dies. A change of user would undo this."""
    _prctl(PR_SET_PDEATHSIG, dies_by)
    if os.getppid() != parent:
        sys.exit("The process that asked for this one is gone.")


def _become(uid: int, gid: int) -> None:
    try:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    except PermissionError:
        sys.exit(
            "PostgreSQL does not run as root, and this root may not become another user. "
            "Start the server as an ordinary user, or set DATABASE_URL."
        )


def _keep_one_capability_as(uid: int, gid: int) -> None:
    """Become another user who may still pass through folders that only root can enter.

    Only the right to read and search is kept, where root has it. A container's root often does
    not, and then it is the right to ignore permissions: still less than root's.
    """
    permitted = _permitted()
    wanted = (c for c in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE) if permitted & (1 << c))
    kept = next(wanted, None)
    if kept is None or not permitted & (1 << CAP_SETPCAP):
        _become(uid, gid)
        return
    # Without this bit access(2) ignores capabilities, and PostgreSQL asks access(2).
    _prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP)
    _become(uid, gid)
    _limit_capabilities_to(1 << kept)
    _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, kept)
    _prctl(PR_SET_NO_NEW_PRIVS, 1)


def _permitted() -> int:
    with open("/proc/self/status") as status:  # noqa: PTH123
        return next(int(line.split()[1], 16) for line in status if line.startswith("CapPrm:"))


def _limit_capabilities_to(mask: int) -> None:
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    # Twice effective, permitted, inheritable: the lower 32 capabilities, then the upper ones.
    data = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
    _check(_libc().capset(header, data))


def _prctl(option: int, *arguments: int) -> None:
    padded = [ctypes.c_ulong(value) for value in (*arguments, 0, 0, 0, 0)][:4]
    _check(_libc().prctl(option, *padded))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int) -> None:
    if result != 0:
        sys.exit(f"The system refused to prepare a process: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    main()
