from .exporting import ExportViewSet
from .importing import ImportViewSet

__all__ = ["ExportViewSet", "ImportViewSet"]
