"""Change the embedding model of a running server: docs/decisions/0015-embedding-spaces.md.

The vectors of another model are a second space. It is filled beside the first, compared with it,
and takes its place in one transaction; the first is kept to go back to until it is dropped.
"""

from .dropping import StillSearched, drop, droppable
from .following import KIND, begin, catch_up, choose, follow, pause
from .job import reembed

__all__ = [
    "KIND",
    "StillSearched",
    "begin",
    "catch_up",
    "choose",
    "drop",
    "droppable",
    "follow",
    "pause",
    "reembed",
]
