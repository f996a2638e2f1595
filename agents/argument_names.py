"""Which unknown arguments of a tool are refused, and which are only a client's own."""

from __future__ import annotations

import re
from collections.abc import Collection

from core.api.unknown_fields import MAX_NAME_LENGTH, find_nearest

# A name this similar to a known one is a typing error. A client's own field rarely is.
TYPO_SIMILARITY = 0.75

# Words that ask for a filter, a date or a page, wherever they stand in a name.
_WORDS = frozenset({
    "actor", "actors", "after", "before", "categories", "category", "conversation",
    "conversations", "cutoff", "date", "dates", "datetime", "day", "days", "end", "exclude",
    "expiration", "expire", "expires", "expiry", "filter", "filters", "limit", "max", "maximum",
    "metadata", "min", "minimum", "month", "months", "offset", "older", "newer", "page", "score",
    "since", "sort", "speaker", "speakers", "start", "tag", "tags", "threshold", "time",
    "timestamp", "until", "valid", "week", "weeks", "where", "year", "years",
})  # fmt: skip

# The same, for names that consist of nothing else, without their punctuation.
_NAMES = frozenset({
    "agent", "agentid", "agents", "and", "app", "appid", "appids", "apps", "asof", "at", "author",
    "authors", "begin", "contains", "eq", "exists", "from", "gt", "gte", "in", "kind", "label",
    "labels", "last", "lt", "lte", "ne", "nin", "not", "only", "or", "order", "orderby", "owner",
    "run", "runid", "size", "skip", "state", "states", "status", "to", "top", "topk", "topn",
    "type", "types", "user", "userid", "username", "users",
})  # fmt: skip

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def is_typo(name: str, known: Collection[str]) -> bool:
    return find_nearest(name, known, similarity=TYPO_SIMILARITY) is not None


def asks_for_less(name: str) -> bool:
    """Whether an unknown argument reads like a filter or a date.

    To ignore it would answer another question than was asked, from more memories than was meant.
    """
    words = [word.casefold() for word in _WORD.findall(name[:MAX_NAME_LENGTH])]
    return "".join(words) in _NAMES or not _WORDS.isdisjoint(words) or words[-1:] == ["at"]
