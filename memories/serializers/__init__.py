from .apps import AppMemorySerializer, NewRuleSerializer, ReadMemorySerializer, RuleSerializer
from .managing import (
    AccessSerializer,
    CategoriesSerializer,
    CategorySerializer,
    FilterSerializer,
    PauseSerializer,
)
from .memory import (
    MemoryIdsSerializer,
    MemoryItemSerializer,
    MemorySerializer,
    MessageSerializer,
    NewMemorySerializer,
    RememberedSerializer,
    RevisionSerializer,
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
    "show",
]
