from .exporting import ExportViewSet

__all__ = ["ExportViewSet"]
