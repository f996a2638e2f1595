from .apps import AppMemoriesViewSet, AppReadsViewSet, RuleViewSet
from .managing import ManagingViewSet
from .memory import MemoryViewSet
from .reading import AccessLogViewSet, RelatedViewSet

__all__ = [
    "AccessLogViewSet",
    "AppMemoriesViewSet",
    "AppReadsViewSet",
    "ManagingViewSet",
    "MemoryViewSet",
    "RelatedViewSet",
    "RuleViewSet",
]
