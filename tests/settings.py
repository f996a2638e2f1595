"""The settings of the tests: the server's own, with a state folder that is gone afterwards."""

import atexit
import os
import shutil
import tempfile

# Whatever the shell says: tests touch no services and no providers but their own.
OURS = ("DATABASE_", "REDIS_", "CELERY_", "OPENMEMORY_", "LLM_", "EMBEDDER_", "OLLAMA_", "OPENAI_")
for name in [name for name in os.environ if name.startswith(OURS)]:
    del os.environ[name]
_state_dir = tempfile.mkdtemp(prefix="openmemory-tests-")
atexit.register(shutil.rmtree, _state_dir, ignore_errors=True)
os.environ["OPENMEMORY_STATE_DIR"] = _state_dir

# Tests all call from one address, and some call often.
for name in ("READS", "WRITES", "FAILED_KEYS", "SIGN_INS", "REGISTRATIONS"):
    os.environ[f"OPENMEMORY_RATE_{name}"] = "1000000/m"

from openmemory.settings import *  # noqa: E402, F403

# A busy machine takes longer for a page than an operator would wait for it.
ADMIN_STATEMENT_SECONDS = 600

# A copy of the database of the server, whose migrations are done: see migrated_data.py.
DATABASES["default"]["TEST"] = {"TEMPLATE": DATABASES["default"]["NAME"]}  # noqa: F405

# Passwords of tests are nobody's, and hashing them well takes a tenth of a second each time.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Each client of Django's makes a handler of its own, and looks for all static files with it.
WHITENOISE_AUTOREFRESH = True
