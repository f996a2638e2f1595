from .access import Access, FirstAccess
from .archive_policy import ArchivePolicy
from .categorization import Categorization
from .category import Category, CategoryNotFound
from .embedding import Embedding, EmbeddingSpace, TokenVectors
from .former_text import FormerVector, FormerWords
from .log_line import LogChain, LogLine
from .memory import Memory, MemoryDeleted, MemoryExpired, MemoryImmutable, MemoryNotFound
from .revision import Revision
from .state import State
from .state_change import StateChange
from .terms import Terms
from .user_category import UserCategory
from .user_index import UserIndex

__all__ = [
    "Access",
    "ArchivePolicy",
    "Categorization",
    "Category",
    "CategoryNotFound",
    "Embedding",
    "EmbeddingSpace",
    "FirstAccess",
    "FormerVector",
    "FormerWords",
    "LogChain",
    "LogLine",
    "Memory",
    "MemoryDeleted",
    "MemoryExpired",
    "MemoryImmutable",
    "MemoryNotFound",
    "Revision",
    "State",
    "StateChange",
    "Terms",
    "TokenVectors",
    "UserCategory",
    "UserIndex",
]
