"""The installed server: the console script `openmemory`, beside the server's code in `site/`.

The packages of the server have names such as `core`, so they are no top-level packages of the
environment. Only the processes of the server have their folder on the path.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from platformdirs import user_data_path

SITE = Path(__file__).resolve().parent / "site"


def main() -> None:
    """Run a command of the server. Its state is the user's, as site-packages is replaced."""
    sys.path.insert(0, str(SITE))
    if not os.environ.get("OPENMEMORY_STATE_DIR", "").strip():
        os.environ["OPENMEMORY_STATE_DIR"] = str(user_data_path("openmemory", appauthor=False))
    from server.console import main as run_command

    run_command()
