"""Migrate a running server to another embedding model: docs/decisions/0015-embedding-spaces.md.

The vectors of another model form a second space. It is filled beside the first, compared with it,
and replaces it in one transaction. The first is kept for a rollback until it is dropped.
"""

from .comparison import compare_spaces, enqueue_comparison
from .control import (
    apply_environment,
    backfill,
    cancel,
    complete,
    on_config_changed,
    pause,
    resume,
    roll_back,
    select,
    start,
)
from .drop import StillSearched, drop_space, drop_vectors, droppable, enqueue_drop
from .reembed_job import reembed
from .status import STATE_LABELS, MigrationStatus, SpaceFigures, measure_spaces, read_status

__all__ = [
    "STATE_LABELS",
    "MigrationStatus",
    "SpaceFigures",
    "StillSearched",
    "apply_environment",
    "backfill",
    "cancel",
    "compare_spaces",
    "complete",
    "drop_space",
    "drop_vectors",
    "droppable",
    "enqueue_comparison",
    "enqueue_drop",
    "measure_spaces",
    "on_config_changed",
    "pause",
    "read_status",
    "reembed",
    "resume",
    "roll_back",
    "select",
    "start",
]
