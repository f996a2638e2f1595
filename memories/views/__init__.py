from .access_log import AccessLogViewSet, RelatedViewSet
from .actions import ManagingViewSet
from .apps import AppMemoriesViewSet, AppReadsViewSet, RuleViewSet
from .memory import MemoryViewSet

__all__ = [
    "AccessLogViewSet",
    "AppMemoriesViewSet",
    "AppReadsViewSet",
    "ManagingViewSet",
    "MemoryViewSet",
    "RelatedViewSet",
    "RuleViewSet",
]
