"""The search box of the list of memories, and the note on the page that explains its results."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Exists, OuterRef
from django.http import QueryDict

from accounts.models import User
from memories import search
from memories.access.reader import Reader
from memories.models import Category, Memory, State
from memories.models.memory import MemoryQuerySet
from memories.search.lexemes import with_all_words

MAX_RESULTS = 50

# Characters. The query is in the address of the page, whose length is limited.
MAX_QUERY = 1000

HYBRID = (
    "The {count} best results of a hybrid search (vectors and keywords) among the active memories "
    "of {user}, as for an app, best first. Choose another state for a keyword search in it."
)
KEYWORDS_ONLY = (
    "The embedding model did not respond: the {count} best results of a keyword search among the "
    "active memories of {user}."
)
KEYWORDS_OF_USER = "Memories of {user} that contain all of these words, newest first."
KEYWORDS_OF_ALL = (
    "Memories of all users that contain all of these words, newest first. Choose a user for a "
    "hybrid search."
)
ONE_ID = "The memory with this id."


@dataclass(frozen=True)
class Search:
    """Finds one memory by its id, the `best` of a user, or all that contain the words."""

    text: str
    note: str
    pk: uuid.UUID | None = None
    best: Mapping[uuid.UUID, float | None] | None = None  # with the score of each

    @classmethod
    def of(cls, text: str, *, filters: QueryDict) -> Search:
        """Decide on the kind of search by the list `filters`. Not in a transaction.

        Searches here if that calls the embedding model.
        """
        text = text.strip()[:MAX_QUERY]
        pk = _parse_id(text)
        if pk is not None:
            return cls(text, ONE_ID, pk=pk)
        user = _chosen_user(filters)
        if user is None:
            return cls(text, KEYWORDS_OF_ALL)
        if filters.get("state__exact", "") not in ("", State.ACTIVE) or filters.get("terms"):
            return cls(text, KEYWORDS_OF_USER.format(user=user))
        result = search.find_hits(
            text,
            reader=Reader(user),
            cutoffs=search.Cutoffs(MAX_RESULTS, min_score=0),
            filters=_search_filters(filters),
        )
        note = KEYWORDS_ONLY if result.by_words_alone else HYBRID
        best = {hit.memory.pk: hit.score for hit in result.hits}
        return cls(text, note.format(count=MAX_RESULTS, user=user), best=best)

    def keep(self, memories: MemoryQuerySet) -> MemoryQuerySet:
        """Keep the results among these memories, which match the other filters."""
        if self.pk is not None:
            return memories.filter(pk=self.pk)
        if self.best is not None:
            return memories.in_order_of([*self.best])
        return with_all_words(memories, self.text)


def _search_filters(filters: QueryDict) -> search.Filters:
    """The other filters, so that the best among their results are found."""
    app, category = _parse_id(filters.get("app", "")), _parse_id(filters.get("category", ""))
    categories = Category.objects.filter(pk__in=[category] if category else [])
    return search.Filters(
        app_ids=[app] if app else [], categories=list(categories.values_list("name", flat=True))
    )


def _chosen_user(filters: QueryDict) -> User | None:
    """The user of the filters, or the only one who has memories."""
    pk = _parse_id(filters.get("user", ""))
    if pk:
        return User.objects.filter(pk=pk).first()
    owners = User.objects.filter(Exists(Memory.objects.filter(user=OuterRef("pk"))))
    first, *others = [*owners[:2], None]
    return first if others == [None] else None


def _parse_id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
