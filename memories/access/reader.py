"""Which memories a caller may read, and which accesses are logged."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TypeVar

from accounts.models import ApiKey, User
from apps_registry.models import App
from memories.change_log.as_of import Part, Past
from memories.models import Memory
from memories.models.memory import MemoryQuerySet

from .log import AccessType, log_accesses
from .past_list import PastList

T = TypeVar("T")


@dataclass(frozen=True)
class Reader:
    """Reads the memories of a user: as an app, or as the user where `app` is None.

    What is changed among them is recorded with `key`. Nobody sees expired memories but the user,
    where `sees_expired`; an app never does. With a `past`, it reads what was known then:
    whatever it reads is loaded and shown while `reading()`.
    """

    user: User
    app: App | None = None
    key: ApiKey | None = None
    sees_expired: bool = False
    past: Past | None = None

    def reading(self, part: Part = Part.ALL) -> AbstractContextManager[None]:
        return self.past.reading(part) if self.past else nullcontext()

    def reading_few(self) -> AbstractContextManager[None]:
        """For statements about few memories. While `reading()`."""
        return self.past.reading_part(Part.FEW) if self.past else nullcontext()

    def showing(self) -> AbstractContextManager[None]:
        """For what was loaded before: whether it has expired depends on the moment."""
        return self.past.showing() if self.past else nullcontext()

    def memories(self) -> MemoryQuerySet:
        """The user's memories that the reader may read, in any state."""
        memories = Memory.objects.owned_by(self.user).readable_by(self.app).reached_by(self.key)
        return memories if self.sees_expired and self.app is None else memories.unexpired()

    def listed(self, memories: MemoryQuerySet) -> MemoryQuerySet | PastList:
        """A list of memories, of which a page and the number are read. While `reading()`."""
        return PastList(memories, self.past) if self.past else memories

    def in_parts(self, read: Callable[[], T], *, by_vectors: bool = False) -> list[T]:
        """Read all memories at once or, of the past, in two parts. While `reading()`."""
        return self.past.in_parts(read, by_vectors=by_vectors) if self.past else [read()]

    def log(
        self, memories: Iterable[Memory], access_type: AccessType, *, context: Iterable[Memory] = ()
    ) -> None:
        """Log what the reader was shown. Of a user's own accesses, only searches are logged.

        A text for a prompt counts as one.
        """
        if self.app is not None or access_type in ("search", "prompt"):
            log_accesses(memories, app=self.app, access_type=access_type, context=context)
