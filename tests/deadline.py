"""How long a test waits for what has to happen."""

from __future__ import annotations

import time
from collections.abc import Callable

# Seconds of the wall clock. A machine with twenty programs on two cores needs ten times as long
# for everything, and a test that passes waits for no longer than it takes.
SECONDS = 600


def eventually(condition: Callable[[], object]) -> bool:
    """Tell whether something becomes true in time."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
