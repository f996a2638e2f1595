"""The server's state folder, secret key and addresses."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

from core import env, legacy_clients
from core.exposure import LOCAL_NAMES, PublicAddress
from embedded import state_folder

# Read by NumPy as it is first imported, which is after this. A search multiplies small matrices:
# its threads would wait for each other longer than that takes.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

BASE_DIR = Path(__file__).resolve().parent.parent.parent

VERSION: str = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["project"]["version"]

# Installed as a wheel, the server has the command `openmemory`, and no make.
IS_WHEEL = BASE_DIR.parent.name == "openmemory_server"
RUN_COMMAND = "openmemory up" if IS_WHEEL else "make run"
OPERATOR_COMMAND = "openmemory operator" if IS_WHEEL else "make operator"

# All local state of the server, in a folder of mode 0700.
STATE_DIR = Path(env.string("OPENMEMORY_STATE_DIR", str(BASE_DIR / "var"))).resolve()

# Bytes that archives leave free on a disk, or a tenth of a small one, so that memories can still be
# stored.
DISK_RESERVE_BYTES = env.integer(
    "OPENMEMORY_DISK_RESERVE_BYTES", 512 * 1024**2, minimum=0, maximum=1024**5
)

DEBUG = env.boolean("OPENMEMORY_DEBUG", False)
SECRET_KEY = env.secret("OPENMEMORY_SECRET_KEY")
SECRET_IS_LOCAL = not SECRET_KEY
if SECRET_IS_LOCAL:
    SECRET_KEY = state_folder.secret_key(STATE_DIR)

HOST = env.string("HOST", "127.0.0.1")
PORT = env.integer("PORT", 8000, minimum=1, maximum=65535)
# The number of own proxies in front of the server. Their entries in X-Forwarded-For are trusted.
TRUSTED_PROXIES = env.integer("OPENMEMORY_TRUSTED_PROXIES", 0, minimum=0, maximum=16)
# The address for clients, if it differs from HOST and PORT.
PUBLIC_ADDRESS = PublicAddress.parse(env.string("OPENMEMORY_PUBLIC_URL"), proxies=TRUSTED_PROXIES)

ALLOWED_HOSTS = env.strings("OPENMEMORY_ALLOWED_HOSTS", [*LOCAL_NAMES, HOST])
if PUBLIC_ADDRESS:
    ALLOWED_HOSTS += [PUBLIC_ADDRESS.host]

# `make run` creates this user and prints their API key.
DEFAULT_USER = env.string("USER", "default_user")

# For the original server's page: requests without a key act as the default user.
LEGACY_CLIENTS = legacy_clients.allow_legacy_clients(
    env.choice("OPENMEMORY_LEGACY_CLIENTS", "0", among=["0", "1", "force"]),
    host=HOST,
    allowed_hosts=ALLOWED_HOSTS,
    proxies=TRUSTED_PROXIES,
)

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # callers already run in parallel
