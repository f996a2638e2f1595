from .actions import (
    AccessSerializer,
    CategoriesSerializer,
    CategorySerializer,
    FilterSerializer,
    PauseSerializer,
)
from .apps import AppMemorySerializer, NewRuleSerializer, ReadMemorySerializer, RuleSerializer
from .memory import (
    MemoryIdsSerializer,
    MemoryItemSerializer,
    MemorySerializer,
    MessageSerializer,
    NewMemorySerializer,
    RevisionSerializer,
    StoredMemorySerializer,
    build_new_memory,
    show,
    show_written,
)
from .search import (
    ExplanationSerializer,
    SearchFiltersSerializer,
    SearchResultSerializer,
    SearchResultsSerializer,
    SearchSerializer,
)

__all__ = [
    "AccessSerializer",
    "AppMemorySerializer",
    "CategoriesSerializer",
    "CategorySerializer",
    "ExplanationSerializer",
    "FilterSerializer",
    "MemoryIdsSerializer",
    "MemoryItemSerializer",
    "MemorySerializer",
    "MessageSerializer",
    "NewMemorySerializer",
    "NewRuleSerializer",
    "PauseSerializer",
    "ReadMemorySerializer",
    "RevisionSerializer",
    "RuleSerializer",
    "SearchFiltersSerializer",
    "SearchResultSerializer",
    "SearchResultsSerializer",
    "SearchSerializer",
    "StoredMemorySerializer",
    "build_new_memory",
    "show",
    "show_written",
]
