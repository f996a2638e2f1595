"""The search box of the list of memories: what it looks in, and what the page says about that."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.search import SearchQuery
from django.db.models import F, Func, IntegerField, UUIDField, Value
from django.http import QueryDict

from accounts.models import User
from memories import search
from memories.access.reader import Reader
from memories.models import Category, State
from memories.models.memory import MemoryQuerySet

# Beyond these nobody reads on.
BEST = 50

# An address is no place for a text: a question is asked by its beginning.
LONGEST = 1000

BY_MEANING = (
    "The {best} best by meaning and by words among the active memories of {user}, as an app would "
    "find them, the best first. Choose another state to look in others, by their words alone."
)
BY_WORDS_ALONE = (
    "The embedding model did not answer: the {best} best by words alone among the active memories "
    "of {user}."
)
WORDS_OF_ONE = "Memories of {user} that have all of these words, the newest first."
WORDS_OF_ALL = (
    "Memories of everybody that have all of these words, the newest first. Choose a user to search "
    "by meaning as well."
)
ONE_ID = "The memory of this id."


@dataclass(frozen=True)
class Search:
    """What was asked for: one memory, the `best` of one user, or those that have all the words."""

    text: str
    how: str
    pk: uuid.UUID | None = None
    best: Sequence[uuid.UUID] | None = None

    @classmethod
    def of(cls, text: str, *, chosen: QueryDict) -> Search:
        """Ask the model where that is what the filters that were `chosen` lead to.

        Not in a transaction.
        """
        text = text.strip()[:LONGEST]
        pk = _as_id(text)
        if pk is not None:
            return cls(text, ONE_ID, pk=pk)
        user = _user(chosen)
        if user is None:
            return cls(text, WORDS_OF_ALL)
        if chosen.get("state__exact", "") not in ("", State.ACTIVE):
            return cls(text, WORDS_OF_ONE.format(user=user))
        result = search.find(text, reader=Reader(user), top_k=BEST, filters=_filters(chosen))
        how = BY_WORDS_ALONE if result.by_words_alone else BY_MEANING
        ids = [hit.memory.pk for hit in result.hits]
        return cls(text, how.format(best=BEST, user=user), best=ids)

    def keep(self, memories: MemoryQuerySet) -> MemoryQuerySet:
        """Keep what was found of these, which the other filters have left."""
        if self.pk is not None:
            return memories.filter(pk=self.pk)
        if self.best is not None:
            return memories.filter(pk__in=self.best).order_by(_place(self.best))
        # Words are kept without their places, so that a phrase finds nothing: all have to be in.
        return memories.filter(words=SearchQuery(self.text, config="english", search_type="plain"))


def _place(ids: Sequence[uuid.UUID]) -> Func:
    among = Value(list(ids), ArrayField(UUIDField()))
    return Func(among, F("pk"), function="array_position", output_field=IntegerField())


def _filters(chosen: QueryDict) -> search.Filters:
    """What was chosen beside the words, so that the best of these are found and not of all."""
    app, category = _as_id(chosen.get("app", "")), _as_id(chosen.get("category", ""))
    named = Category.objects.filter(pk__in=[category] if category else [])
    return search.Filters(
        app_ids=[app] if app else [], categories=list(named.values_list("name", flat=True))
    )


def _user(chosen: QueryDict) -> User | None:
    pk = _as_id(chosen.get("user", ""))
    return User.objects.filter(pk=pk).first() if pk else None


def _as_id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
