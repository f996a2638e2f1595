"""Hybrid search over the memories of a user: by vectors, keywords, neighbours and speakers.

docs/decisions/0005-hybrid-search.md says how these are weighted, and why.
"""

from .context import Context
from .explanation import Explanation
from .filters import Filters
from .pipeline import add_context, find_hits, log_hits, search
from .result import Hit, SearchResult

__all__ = [
    "Context",
    "Explanation",
    "Filters",
    "Hit",
    "SearchResult",
    "add_context",
    "find_hits",
    "log_hits",
    "search",
]
