"""The admin pages of memories, one per module."""

from . import apps, archive_policies, categories, embedding_spaces, log_page, memories

__all__ = ["apps", "archive_policies", "categories", "embedding_spaces", "log_page", "memories"]
