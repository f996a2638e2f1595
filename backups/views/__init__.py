from .exports import ExportViewSet
from .imports import ImportViewSet

__all__ = ["ExportViewSet", "ImportViewSet"]
