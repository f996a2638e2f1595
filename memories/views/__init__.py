from .access_log import AccessLogViewSet, HistoryViewSet, RelatedViewSet
from .actions import MemoryActionsViewSet
from .apps import AppMemoriesViewSet, AppReadsViewSet, RuleViewSet
from .bulk import BulkViewSet
from .diff import DiffViewSet
from .keyed_memory import KeyedMemoryViewSet, NamespaceViewSet
from .log_list import LogViewSet
from .memory import MemoryViewSet
from .prompt_context import PromptContextViewSet
from .undo_change import UndoViewSet

__all__ = [
    "AccessLogViewSet",
    "AppMemoriesViewSet",
    "AppReadsViewSet",
    "BulkViewSet",
    "DiffViewSet",
    "HistoryViewSet",
    "KeyedMemoryViewSet",
    "LogViewSet",
    "MemoryActionsViewSet",
    "MemoryViewSet",
    "NamespaceViewSet",
    "PromptContextViewSet",
    "RelatedViewSet",
    "RuleViewSet",
    "UndoViewSet",
]
