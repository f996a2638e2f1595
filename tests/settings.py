"""The settings of the tests: the server's own, with a state folder that is gone afterwards."""

import os
import tempfile

# Whatever the shell says: tests touch no services but their own.
for name in ("DATABASE_URL", "REDIS_URL"):
    os.environ.pop(name, None)
os.environ["OPENMEMORY_STATE_DIR"] = tempfile.mkdtemp(prefix="openmemory-tests-")

from openmemory.settings import *  # noqa: E402, F403
