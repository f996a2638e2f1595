from .access_log import AccessLogViewSet, HistoryViewSet, RelatedViewSet
from .actions import MemoryActionsViewSet
from .apps import AppMemoriesViewSet, AppReadsViewSet, RuleViewSet
from .memory import MemoryViewSet

__all__ = [
    "AccessLogViewSet",
    "AppMemoriesViewSet",
    "AppReadsViewSet",
    "HistoryViewSet",
    "MemoryActionsViewSet",
    "MemoryViewSet",
    "RelatedViewSet",
    "RuleViewSet",
]
