"""Name the run that the changes of a transaction are part of."""

from __future__ import annotations

import uuid

from core.sql import execute


def name_run(run: uuid.UUID) -> None:
    """Have the lines of this transaction name a run of inference or an import."""
    execute("SELECT set_config('openmemory.run', %s, true)", [str(run)])


def send_no_webhooks() -> None:
    """Have no webhooks told of the changes of this transaction: what is imported is not new."""
    execute("SELECT set_config('openmemory.quiet', 'on', true)")
