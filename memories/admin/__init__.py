"""What operators see and do of memories: a page a file."""

from . import apps, categories, memories, policies, spaces

__all__ = ["apps", "categories", "memories", "policies", "spaces"]
