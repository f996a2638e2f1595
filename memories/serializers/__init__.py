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
    RememberedSerializer,
    RevisionSerializer,
    build_new_memory,
    show,
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
    "RememberedSerializer",
    "RevisionSerializer",
    "RuleSerializer",
    "SearchFiltersSerializer",
    "SearchResultSerializer",
    "SearchResultsSerializer",
    "SearchSerializer",
    "build_new_memory",
    "show",
]
