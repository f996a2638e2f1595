"""Show a memory within the exchange that it was said in."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from accounts.models import User
from apps_registry.models import App
from memories.models import Memory
from memories.search.neighbours import surroundings

from .scope import readable


@dataclass(frozen=True)
class Exchange:
    """What was said before and after a memory, each in the order that it was said in."""

    before: Sequence[Memory] = ()
    after: Sequence[Memory] = ()

    def __iter__(self) -> Iterator[Memory]:
        yield from self.before
        yield from self.after


def exchanges(
    memories: Sequence[Memory], *, user: User, app: App | None, places: int
) -> dict[uuid.UUID, Exchange]:
    """Bring up to so many memories from before and after each of these, in two statements.

    The app may read all of them. What a search was narrowed down to makes no difference: an
    exchange with holes in it would be hard to follow.
    """
    among = readable(user, app)
    around = surroundings([memory.pk for memory in memories], places=places, among=among)
    beside = {each.pk for places_of_one in around.values() for each in places_of_one}
    found = among.with_relations().in_bulk(beside) if beside else {}
    shown = {memory.pk: Exchange() for memory in memories}
    for pk, places_of_one in around.items():
        left = [each for each in places_of_one if each.pk in found]  # not deleted a moment ago
        shown[pk] = Exchange(
            before=[found[each.pk] for each in left if each.place < 0],
            after=[found[each.pk] for each in left if each.place > 0],
        )
    return shown
