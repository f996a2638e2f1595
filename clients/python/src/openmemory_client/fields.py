"""The fields of requests. A test compares them with the server's OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict

Time = datetime | int | str  # seconds since 1970, or ISO 8601 with a zone
Metadata = Mapping[str, Any]


class Terms(TypedDict, total=False):
    expires_at: Time | None
    valid_from: Time | None
    valid_until: Time | None
    immutable: bool
    user_id: str | None


class NewMemory(Terms, total=False):
    """`POST /memories`, beside its text or messages."""

    metadata: Metadata | None
    infer: bool
    app: str | None
    timestamp: Time | None
    actor: str | None
    conversation: str | None
    supersedes: Sequence[str] | None


class Patch(Terms, total=False):
    """`PATCH /memories/{memory_id}`"""

    text: str
    metadata: Metadata | None
    categories: Sequence[str] | None
    actor: str | None
    conversation: str | None
    timestamp: Time


class KeyedMemory(Terms, total=False):
    """`PUT /memories/by-key/{namespace}/{key}`, beside its text."""

    metadata: Metadata | None
    categories: Sequence[str] | None
    actor: str | None
    conversation: str | None
    timestamp: Time | None
    app: str | None


class Filters(TypedDict, total=False):
    """The `filters` of a search."""

    app_ids: Sequence[str]
    categories: Sequence[str]
    actors: Sequence[str]
    conversations: Sequence[str]
    from_date: Time | None
    to_date: Time | None
    namespace: str
    metadata: Metadata


class Search(TypedDict, total=False):
    """`POST /memories/search`, beside its query."""

    app: str | None
    top_k: int
    threshold: float | None
    min_score: float | None
    filters: Filters | None
    at: Time | None
    as_of: Time | None
    include_expired: bool
    explain: bool
    explain_missing: Sequence[str] | None
    include_context: int
    user_id: str | None


class List(TypedDict, total=False):
    """`GET /memories`"""

    user_id: str
    app_id: str
    from_date: Time
    to_date: Time
    categories: str
    actor: str
    conversation: str
    namespace: str
    search_query: str
    metadata: Metadata
    include_expired: bool
    as_of: Time
    sort_column: str
    sort_direction: str


class Prompt(TypedDict, total=False):
    """`POST /memories/context`, beside its query"""

    max_tokens: int
    at: Time | None
    filters: Filters | None
    include: Sequence[str]
    app: str | None
    user_id: str | None
