"""The settings of the tests: the server's own, with a state folder that is gone afterwards."""

import atexit
import os
import shutil
import tempfile

# Whatever the shell says: tests touch no services but their own.
for name in ("DATABASE_URL", "REDIS_URL"):
    os.environ.pop(name, None)
_state_dir = tempfile.mkdtemp(prefix="openmemory-tests-")
atexit.register(shutil.rmtree, _state_dir, ignore_errors=True)
os.environ["OPENMEMORY_STATE_DIR"] = _state_dir

# Tests all call from one address, and some call often.
for name in ("READS", "WRITES", "FAILED_KEYS"):
    os.environ.setdefault(f"OPENMEMORY_RATE_{name}", "1000000/m")

from openmemory.settings import *  # noqa: E402, F403
