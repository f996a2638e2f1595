"""Set up a child process, and then execute its program.

`processes.spawn` runs this file as a script. Python code between fork and exec is not safe in a
process with threads; here it is ordinary code. It imports only the standard library.
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
            _switch_user_with_read_capability(options.uid, options.gid)
        else:
            _switch_user(options.uid, options.gid)
    if sys.platform == "linux":
        _die_with_parent(options.parent, signal.Signals[options.parent_death_signal])
    os.umask(0o077)
    try:
        os.execv(options.program[0], options.program)  # noqa: S606
    except OSError as error:
        sys.exit(f"User {os.getuid()} cannot run {options.program[0]}: {error.strerror}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--parent-death-signal", required=True)
    parser.add_argument("--uid", type=int)
    parser.add_argument("--gid", type=int)
    parser.add_argument("program", nargs="+")
    return parser.parse_args()


def _die_with_parent(parent: int, parent_death_signal: signal.Signals) -> None:
    """Receive a signal when the parent dies. Call it last: switching the user undoes it."""
    _prctl(PR_SET_PDEATHSIG, parent_death_signal)
    if os.getppid() != parent:
        sys.exit("The parent process has already exited.")


def _switch_user(uid: int, gid: int) -> None:
    try:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    except PermissionError:
        sys.exit(
            "PostgreSQL does not run as root, and this root cannot switch to another user. "
            "Start the server as an ordinary user, or set DATABASE_URL."
        )


def _switch_user_with_read_capability(uid: int, gid: int) -> None:
    """Switch to a user who can still traverse folders that only root can enter.

    The process keeps CAP_DAC_READ_SEARCH. A container's root often lacks it, and then keeps
    CAP_DAC_OVERRIDE: still less than all of root's rights.
    """
    permitted = _permitted_capabilities()
    candidates = (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE)
    capability = next((number for number in candidates if permitted & (1 << number)), None)
    if capability is None or not permitted & (1 << CAP_SETPCAP):
        _switch_user(uid, gid)
        return
    # Without this bit access(2) ignores capabilities, and PostgreSQL uses access(2).
    _prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP)
    _switch_user(uid, gid)
    _limit_capabilities_to(1 << capability)
    _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability)
    _prctl(PR_SET_NO_NEW_PRIVS, 1)


def _permitted_capabilities() -> int:
    with open("/proc/self/status") as status:  # noqa: PTH123
        return next(int(line.split()[1], 16) for line in status if line.startswith("CapPrm:"))


def _limit_capabilities_to(mask: int) -> None:
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    # Effective, permitted and inheritable, first of the lower 32 capabilities, then the upper.
    data = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
    _check(_libc().capset(header, data))


def _prctl(option: int, *arguments: int) -> None:
    padded = [ctypes.c_ulong(value) for value in (*arguments, 0, 0, 0, 0)][:4]
    _check(_libc().prctl(option, *padded))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int) -> None:
    if result != 0:
        sys.exit(f"Setting up a child process failed: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    main()
