"""Tools that only read."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from agents.cursors import after, parse_offset, position_of, take_fitting
from agents.schemas import (
    AppInfo,
    AppPage,
    MemoryPage,
    OneMemory,
    SearchResults,
    render_hit,
    render_memory,
    render_one,
)
from agents.tool_call import Caller
from apps_registry.models import App
from memories.own_keys import Address
from memories.search import Cutoffs, add_context, find_hits, log_hits
from memories.search.related import find_related
from memories.serializers import SearchSerializer

from .arguments import (
    Actors,
    AsOf,
    At,
    Categories,
    Conversations,
    Cursor,
    FromDate,
    IncludeContext,
    MemoryId,
    Metadata,
    MinScore,
    Namespace,
    OptionalMemoryId,
    SearchFilters,
    Threshold,
    ToDate,
    reader_as_of,
    search_filters,
    validate,
)
from .store_by_key import OwnKey, OwnNamespace, parse_identity

# The maximum number of memories that a search ranks.
MAX_RANKED = 100

MAX_APPS = 100


def search_memories(
    caller: Caller,
    query: Annotated[str, Field(description="A question, or keywords.")],
    limit: Annotated[int, Field(ge=1, le=50, description="The number of results.")] = 10,
    threshold: Threshold = None,
    min_score: MinScore = None,
    categories: Categories = None,
    actors: Actors = None,
    conversations: Conversations = None,
    namespace: Namespace = None,
    from_date: FromDate = None,
    to_date: ToDate = None,
    metadata: Metadata = None,
    filters: SearchFilters = None,
    at: At = None,
    include_context: IncludeContext = 0,
    as_of: AsOf = None,
    cursor: Cursor = None,
) -> SearchResults:
    """Search the memories about the user.

    Call it before you answer anything that may depend on the user: their preferences, people,
    places, plans, work, or what was said in an earlier conversation. It is a hybrid search, by
    vectors and keywords: send a full question or the important keywords. If you look for something
    that a specific person said, name them in the query. Set include_context if results may only
    make sense with the messages around them. No results means that nothing is known: min_score 0
    returns the nearest memories all the same.
    Set as_of only if the user asks what was known at an earlier time.
    Results with `valid: false` are not true at the time asked about, by default now: no longer, or
    not yet.
    """
    validated = validate(SearchSerializer, {"query": query, "at": at})
    reader = reader_as_of(caller, as_of)
    start = parse_offset(cursor, maximum=MAX_RANKED - 1)
    result = find_hits(
        validated["query"],
        reader=reader,
        cutoffs=Cutoffs(
            top_k=min(start + limit + 1, MAX_RANKED), threshold=threshold, min_score=min_score
        ),
        filters=search_filters(
            categories=categories,
            actors=actors,
            conversations=conversations,
            namespace=namespace,
            from_date=from_date,
            to_date=to_date,
            metadata=metadata,
            filters=filters,
        ),
        at=validated.get("at"),
    )
    hits = add_context(result.hits[start : start + limit], reader=reader, places=include_context)
    page = take_fitting(hits, lambda hit: hit.memories)
    log_hits(page, reader=reader)
    end = start + len(page)
    next_cursor = str(end) if page and end < len(result.hits) else None
    with reader.showing():
        memories = [render_hit(hit) for hit in page]
    return SearchResults(memories=memories, next_cursor=next_cursor)


def get_memories(
    caller: Caller,
    limit: Annotated[int, Field(ge=1, le=100, description="The number of memories.")] = 20,
    categories: Categories = None,
    actors: Actors = None,
    conversations: Conversations = None,
    namespace: Namespace = None,
    from_date: FromDate = None,
    to_date: ToDate = None,
    metadata: Metadata = None,
    filters: SearchFilters = None,
    as_of: AsOf = None,
    cursor: Cursor = None,
) -> MemoryPage:
    """List the memories about the user, newest first.

    Call it for an overview, such as when the user asks what you know about them, or for all
    memories of a category or a period. To answer a question, use search_memories instead.
    """
    chosen = search_filters(
        categories=categories,
        actors=actors,
        conversations=conversations,
        namespace=namespace,
        from_date=from_date,
        to_date=to_date,
        metadata=metadata,
        filters=filters,
    )
    reader = reader_as_of(caller, as_of)
    with reader.reading():
        memories = chosen.apply(reader.memories().active())
        listed = reader.listed(after(memories.with_relations(), cursor))
        following = list(listed[: limit + 1])
    page = take_fitting(following[:limit], lambda memory: [memory])
    reader.log(page, "list")
    next_cursor = position_of(page[-1]) if len(page) < len(following) else None
    with reader.showing():
        rendered = [render_memory(memory) for memory in page]
    return MemoryPage(memories=rendered, next_cursor=next_cursor)


def get_memory(
    caller: Caller,
    memory_id: OptionalMemoryId = None,
    as_of: AsOf = None,
    namespace: OwnNamespace = None,
    key: OwnKey = None,
) -> OneMemory:
    """Return one memory by its id, in any state, or by its namespace and key.

    Call it when you have an id and need the current text, or with as_of, an earlier one.
    """
    identity = parse_identity(memory_id, namespace, key)
    reader = reader_as_of(caller, as_of)
    with reader.reading():
        memories = reader.memories().with_relations()
        if isinstance(identity, Address):
            memory = memories.get_at(identity)
        else:
            memory = memories.one(identity)
        rendered = render_one(memory, is_past=reader.past is not None)
    reader.log([memory], "get")
    return rendered


def get_related(
    caller: Caller,
    memory_id: MemoryId,
    limit: Annotated[int, Field(ge=1, le=50, description="The number of memories.")] = 5,
    cursor: Cursor = None,
) -> MemoryPage:
    """Find memories that share categories with a memory.

    Call it when one memory matters and you want related ones. Memories that share the most
    categories come first, then the most similar.
    """
    memory = caller.memories().with_relations().one(memory_id)
    start = parse_offset(cursor, maximum=10_000)
    related = find_related(memory, among=caller.memories().active()).with_relations()
    listed = list(related[start : start + limit + 1])
    page = take_fitting(listed[:limit], lambda memory: [memory])
    caller.reader.log(page, "related")
    next_cursor = str(start + len(page)) if len(page) < len(listed) else None
    return MemoryPage(memories=[render_memory(memory) for memory in page], next_cursor=next_cursor)


def list_apps(
    caller: Caller,
    cursor: Cursor = None,
) -> AppPage:
    """List the user's apps, with the number of memories that each has stored and read.

    Call it when the user asks which assistants know them, or where memories come from.
    """
    apps = App.objects.owned_by(caller.user)
    # `caller.app` raises if the app is paused.
    restricted = apps.restricted(name=caller.app.name) if caller.app else None
    apps = apps.with_counts(readable_by=restricted).order_by("name")
    listed = list((apps.filter(name__gt=cursor) if cursor else apps)[: MAX_APPS + 1])
    page = listed[:MAX_APPS]
    return AppPage(
        apps=[_render_app(app) for app in page],
        next_cursor=page[-1].name if len(page) < len(listed) else None,
    )


def _render_app(app: App) -> AppInfo:
    return AppInfo(
        id=str(app.pk),
        name=app.name,
        is_active=app.is_active,
        memories=app.total_memories_created,  # type: ignore[attr-defined]
        memories_read=app.total_memories_accessed,  # type: ignore[attr-defined]
    )
