from .access_log import AccessLogViewSet, HistoryViewSet, RelatedViewSet
from .actions import MemoryActionsViewSet
from .apps import AppMemoriesViewSet, AppReadsViewSet, RuleViewSet
from .bulk import BulkViewSet
from .log_list import LogViewSet
from .memory import MemoryViewSet
from .prompt_context import PromptContextViewSet

__all__ = [
    "AccessLogViewSet",
    "AppMemoriesViewSet",
    "AppReadsViewSet",
    "BulkViewSet",
    "HistoryViewSet",
    "LogViewSet",
    "MemoryActionsViewSet",
    "MemoryViewSet",
    "PromptContextViewSet",
    "RelatedViewSet",
    "RuleViewSet",
]
