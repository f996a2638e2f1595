"""Hybrid search over the memories of a user: by vectors, keywords, neighbours and speakers.

docs/decisions/0005-hybrid-search.md says how these are weighted, and why.
"""

from .absence import Missing, Reason
from .context import Context
from .explanation import Explanation
from .filters import Filters
from .pipeline import Cutoffs, add_context, find_hits, log_hits, search
from .result import Hit, SearchResult

__all__ = [
    "Context",
    "Cutoffs",
    "Explanation",
    "Filters",
    "Hit",
    "Missing",
    "Reason",
    "SearchResult",
    "add_context",
    "find_hits",
    "log_hits",
    "search",
]
