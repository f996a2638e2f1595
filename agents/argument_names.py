"""Which unknown arguments of a tool are refused, and which are only a client's own."""

from __future__ import annotations

import re
from collections.abc import Collection

from core.api.unknown_fields import MAX_NAME_LENGTH, find_nearest

# A name this similar to a known one is a typing error. A client's own field rarely is.
TYPO_SIMILARITY = 0.75

# Words that ask for a filter, a date, a page or a trial, wherever they stand in a name.
_WORDS = frozenset({
    "actor", "actors", "after", "archived", "before", "categories", "category", "condition",
    "conditions", "conversation", "conversations", "count", "cutoff", "date", "dates", "datetime",
    "day", "days", "deleted", "dry", "end", "exclude", "expiration", "expire", "expired", "expires",
    "expiry", "filter", "filters", "ids", "keyword", "keywords", "limit", "max", "maximum",
    "metadata", "min", "minimum", "month", "months", "newer", "newest", "offset", "older", "oldest",
    "only", "page", "paused", "period", "preview", "range", "recency", "recent", "relevance",
    "results", "scope", "score", "similarity", "since", "sort", "speaker", "speakers", "start",
    "tag", "tags", "threshold", "time", "timeframe", "timespan", "timestamp", "topic", "topics",
    "until", "valid", "week", "weeks", "where", "year", "years",
})  # fmt: skip

# The same, for names that consist of nothing else, without their punctuation.
_NAMES = frozenset({
    "about", "agent", "agentid", "agents", "and", "app", "appid", "appids", "appname", "apps",
    "asof", "at", "author", "authors", "begin", "by", "collection", "contains", "createdby",
    "dryrun", "entities", "entity", "eq", "exists", "from", "gt", "gte", "has", "id", "importance",
    "in", "isactive", "k", "kind", "label", "labels", "last", "lastn", "lt", "lte", "match",
    "memoryid", "memoryids", "memorytype", "must", "n", "ne", "nin", "not", "notin", "num", "or",
    "order", "orderby", "owner", "people", "person", "priority", "project", "projectid", "q",
    "query", "run", "runid", "search", "searchquery", "size", "skip", "state", "states", "status",
    "subject", "tenant", "tenantid", "text", "to", "top", "topk", "topn", "ttl", "type", "types",
    "user", "userid", "username", "users",
})  # fmt: skip

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def is_typo(name: str, known: Collection[str]) -> bool:
    return find_nearest(name, known, similarity=TYPO_SIMILARITY) is not None


def asks_for_less(name: str) -> bool:
    """Whether an unknown argument reads like a filter, a date or a trial without effect.

    To ignore it would answer another question than was asked, from more memories than was meant.
    """
    words = [word.casefold() for word in _WORD.findall(name[:MAX_NAME_LENGTH])]
    return "".join(words) in _NAMES or not _WORDS.isdisjoint(words) or words[-1:] == ["at"]
