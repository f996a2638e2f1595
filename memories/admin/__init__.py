"""What operators see and do of memories: a page a file."""

from . import categories, memories, policies, spaces

__all__ = ["categories", "memories", "policies", "spaces"]
