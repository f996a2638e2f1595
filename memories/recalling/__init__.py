"""Find what a user's memories say about a question, by meaning and by words.

How the two are weighed, and why, stands in docs/decisions/0005-recall.md.
"""

from .filters import Filters
from .hits import Explanation, Hit, Hits, recall

__all__ = ["Explanation", "Filters", "Hit", "Hits", "recall"]
