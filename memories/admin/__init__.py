"""What operators see and do of memories: a page a file."""

from . import apps, archive_policies, categories, embedding_spaces, memories

__all__ = ["apps", "archive_policies", "categories", "embedding_spaces", "memories"]
