"""The job types of memories, registered by importing them."""

from .inference.jobs import categorize, infer
from .lifecycle.archive import apply_policy
from .lifecycle.word_index import index_words
from .vectors.embedding_jobs import embed_missing, embed_new
from .vectors.migration import compare_spaces, drop_space, reembed
from .vectors.user_index import index_vectors

__all__ = [
    "apply_policy",
    "categorize",
    "compare_spaces",
    "drop_space",
    "embed_missing",
    "embed_new",
    "index_vectors",
    "index_words",
    "infer",
    "reembed",
]
