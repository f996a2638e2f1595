"""What a caller may read of a user's memories, and which readings the access log has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from accounts.models import User
from apps_registry.models import App
from memories.models import Memory
from memories.models.memory import MemoryQuerySet

from .log import AccessType, log_accesses


@dataclass(frozen=True)
class Reader:
    """Reads the memories of a user: as an app, or as the user where `app` is None."""

    user: User
    app: App | None = None

    def memories(self) -> MemoryQuerySet:
        """The user's memories that the reader may read, in any state."""
        return Memory.objects.owned_by(self.user).readable_by(self.app)

    def log(
        self, memories: Iterable[Memory], access_type: AccessType, *, context: Iterable[Memory] = ()
    ) -> None:
        """Log what the reader was shown. A user's own reading is logged only if it is a search."""
        if self.app is not None or access_type == "search":
            log_accesses(memories, app=self.app, access_type=access_type, context=context)
