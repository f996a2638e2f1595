from .access_log import AccessLogViewSet, RelatedViewSet
from .actions import MemoryActionsViewSet
from .apps import AppMemoriesViewSet, AppReadsViewSet, RuleViewSet
from .memory import MemoryViewSet

__all__ = [
    "AccessLogViewSet",
    "AppMemoriesViewSet",
    "AppReadsViewSet",
    "MemoryActionsViewSet",
    "MemoryViewSet",
    "RelatedViewSet",
    "RuleViewSet",
]
