from .actions import (
    AccessSerializer,
    CategoriesSerializer,
    CategorySerializer,
    FilterSerializer,
    PauseSerializer,
)
from .apps import AppMemorySerializer, NewRuleSerializer, ReadMemorySerializer, RuleSerializer
from .bulk_bodies import (
    BulkPatchedSerializer,
    BulkPatchSerializer,
    BulkResultsSerializer,
    NewMemoriesSerializer,
    require_own,
)
from .composition import PromptContextSerializer, PromptRequestSerializer
from .edits import PatchSerializer, RevisionSerializer, build_edit, build_replacement
from .entity_tag import entity_tag
from .history_entry import HistoryEntrySerializer
from .memory import (
    MemoryItemSerializer,
    MemorySerializer,
    MessageSerializer,
    NewMemorySerializer,
    StoredMemorySerializer,
    build_new_memory,
    show,
    show_item,
    show_written,
)
from .own_key_memory import KeyedMemorySerializer, NamespaceSerializer, build_content
from .rank_explanation import ExplanationSerializer
from .search import (
    SearchFiltersSerializer,
    SearchResultSerializer,
    SearchResultsSerializer,
    SearchSerializer,
)
from .selection import SelectionSerializer, build_selection

__all__ = [
    "AccessSerializer",
    "AppMemorySerializer",
    "BulkPatchSerializer",
    "BulkPatchedSerializer",
    "BulkResultsSerializer",
    "CategoriesSerializer",
    "CategorySerializer",
    "ExplanationSerializer",
    "FilterSerializer",
    "HistoryEntrySerializer",
    "KeyedMemorySerializer",
    "MemoryItemSerializer",
    "MemorySerializer",
    "MessageSerializer",
    "NamespaceSerializer",
    "NewMemoriesSerializer",
    "NewMemorySerializer",
    "NewRuleSerializer",
    "PatchSerializer",
    "PauseSerializer",
    "PromptContextSerializer",
    "PromptRequestSerializer",
    "ReadMemorySerializer",
    "RevisionSerializer",
    "RuleSerializer",
    "SearchFiltersSerializer",
    "SearchResultSerializer",
    "SearchResultsSerializer",
    "SearchSerializer",
    "SelectionSerializer",
    "StoredMemorySerializer",
    "build_content",
    "build_edit",
    "build_new_memory",
    "build_replacement",
    "build_selection",
    "entity_tag",
    "require_own",
    "show",
    "show_item",
    "show_written",
]
