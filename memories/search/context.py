"""The context of a memory: its neighbours, to be shown with it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from memories.access.reader import Reader
from memories.models import Memory

from .neighbours import find_neighbours


@dataclass(frozen=True)
class Context:
    """The memories before and after a memory, each in the order of the conversation."""

    before: Sequence[Memory] = ()
    after: Sequence[Memory] = ()

    def __iter__(self) -> Iterator[Memory]:
        yield from self.before
        yield from self.after


def load_contexts(
    memories: Sequence[Memory], *, reader: Reader, places: int
) -> dict[uuid.UUID, Context]:
    """Load up to `places` memories before and after each of these, in two queries.

    The filters of a search do not apply: a conversation with gaps would be hard to follow.
    """
    readable = reader.memories().active()
    neighbours_of = find_neighbours(
        [memory.pk for memory in memories], places=places, among=readable, reader=reader
    )
    ids = {neighbour.pk for neighbours in neighbours_of.values() for neighbour in neighbours}
    memory_by_id = readable.with_relations().in_bulk(ids) if ids else {}
    contexts = {memory.pk: Context() for memory in memories}
    for pk, neighbours in neighbours_of.items():
        # One that was deleted a moment ago is not loaded.
        loaded_neighbours = [neighbour for neighbour in neighbours if neighbour.pk in memory_by_id]
        contexts[pk] = Context(
            before=[
                memory_by_id[neighbour.pk] for neighbour in loaded_neighbours if neighbour.place < 0
            ],
            after=[
                memory_by_id[neighbour.pk] for neighbour in loaded_neighbours if neighbour.place > 0
            ],
        )
    return contexts
