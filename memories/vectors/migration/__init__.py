"""Change the embedding model of a running server: docs/decisions/0015-embedding-spaces.md.

The vectors of another model are a second space. It is filled beside the first, compared with it,
and takes its place in one transaction; the first is kept to go back to until it is dropped.
"""

from .comparison import compare_spaces, queue_comparison
from .control import back, begin, cancel, catch_up, choose, complete, follow, go_on, pause
from .drop import StillSearched, drop, drop_space, droppable, queue_drop
from .reembed import reembed
from .status import MEANING, Figures, LastChange, figures, last_change

__all__ = [
    "MEANING",
    "Figures",
    "LastChange",
    "StillSearched",
    "back",
    "begin",
    "cancel",
    "catch_up",
    "choose",
    "compare_spaces",
    "complete",
    "drop",
    "drop_space",
    "droppable",
    "figures",
    "follow",
    "go_on",
    "last_change",
    "pause",
    "queue_comparison",
    "queue_drop",
    "reembed",
]
