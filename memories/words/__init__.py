"""One analyser of words, for what is stored and for what is asked: see decision 38."""

from .analysis import Term, asks_for_all, document_lexemes, is_english, query_terms

# Raised with each change to what is stored: memories of an earlier version are then renewed.
WORDS_VERSION = 1

__all__ = [
    "WORDS_VERSION",
    "Term",
    "asks_for_all",
    "document_lexemes",
    "is_english",
    "query_terms",
]
