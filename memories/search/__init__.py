"""Find what a user's memories say about a question, by meaning, by words, and by who said it.

How the two are weighed, and why, stands in docs/decisions/0005-recall.md.
"""

from .context import Exchange, exchanges
from .explanation import Explanation
from .filters import Filters
from .pipeline import Hit, Hits, recall

__all__ = ["Exchange", "Explanation", "Filters", "Hit", "Hits", "exchanges", "recall"]
