"""Tools that read."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from agents.cursors import after, fitting, offset, place_of
from agents.schemas import Apps, Found, Memories, ShownApp, ShownMemory, found, shown
from agents.tool_call import Caller
from apps_registry.models import App
from memories.search import add_context, find, log_hits
from memories.search.related import find_related
from memories.serializers import SearchSerializer

from .arguments import (
    Actors,
    Categories,
    Conversations,
    Cursor,
    FromDate,
    MemoryId,
    ToDate,
    filters,
    read,
)

# A search ranks so many memories at most.
RANKED = 100

SHOWN_APPS = 100


def search_memories(
    caller: Caller,
    query: Annotated[str, Field(description="What you want to know, in any words.")],
    limit: Annotated[int, Field(ge=1, le=50, description="How many to find.")] = 10,
    threshold: Annotated[
        float | None,
        Field(ge=0, le=1, description="Leave out what is less similar than this; 0.3 is lenient."),
    ] = None,
    categories: Categories = None,
    actors: Actors = None,
    conversations: Conversations = None,
    from_date: FromDate = None,
    to_date: ToDate = None,
    include_context: Annotated[
        int, Field(ge=0, le=5, description="Bring so much of what was said before and after each.")
    ] = 0,
    cursor: Cursor = None,
) -> Found:
    """Find what is remembered about this person that answers a question.

    Call it before you answer anything that may depend on who the person is: their preferences,
    people, places, plans, work, or what was said in an earlier conversation. It searches by
    meaning and by words, so ask in a full question or with the words that matter, and name whose
    words you look for. Set include_context where an answer is only clear from what it answers.
    """
    asked = read(SearchSerializer, {"query": query})
    start = offset(cursor, most=RANKED - 1)
    result = find(
        asked["query"],
        reader=caller.reader,
        top_k=min(start + limit + 1, RANKED),
        threshold=threshold,
        filters=filters(
            categories=categories,
            actors=actors,
            conversations=conversations,
            from_date=from_date,
            to_date=to_date,
        ),
    )
    hits = add_context(
        result.hits[start : start + limit], reader=caller.reader, places=include_context
    )
    page = fitting(hits, lambda hit: hit.memories)
    log_hits(page, reader=caller.reader)
    end = start + len(page)
    next_cursor = str(end) if page and end < len(result.hits) else None
    return Found(memories=[found(hit) for hit in page], next_cursor=next_cursor)


def get_memories(
    caller: Caller,
    limit: Annotated[int, Field(ge=1, le=100, description="How many to list.")] = 20,
    categories: Categories = None,
    actors: Actors = None,
    conversations: Conversations = None,
    from_date: FromDate = None,
    to_date: ToDate = None,
    cursor: Cursor = None,
) -> Memories:
    """List what is remembered about this person, the newest first.

    Call it for an overview, such as when they ask what you know about them, or for everything of
    a category or of some days. To answer a question, search_memories is better.
    """
    kept = filters(
        categories=categories,
        actors=actors,
        conversations=conversations,
        from_date=from_date,
        to_date=to_date,
    )
    memories = kept.apply(caller.memories().active())
    listed = list(after(memories.with_relations(), cursor)[: limit + 1])
    page = fitting(listed[:limit], lambda memory: [memory])
    caller.reader.log(page, "list")
    next_cursor = place_of(page[-1]) if len(page) < len(listed) else None
    return Memories(memories=[shown(memory) for memory in page], next_cursor=next_cursor)


def get_memory(caller: Caller, memory_id: MemoryId) -> ShownMemory:
    """Show one memory by its id, in whatever state it is.

    Call it when you have an id and need what it says now.
    """
    memory = caller.memories().with_relations().one(memory_id)
    caller.reader.log([memory], "get")
    return shown(memory)


def get_related(
    caller: Caller,
    memory_id: MemoryId,
    limit: Annotated[int, Field(ge=1, le=50, description="How many to find.")] = 5,
    cursor: Cursor = None,
) -> Memories:
    """Find what else is remembered about the themes of a memory.

    Call it when one memory matters and you want what surrounds it. Those that share most
    categories come first, then the nearest.
    """
    memory = caller.memories().with_relations().one(memory_id)
    start = offset(cursor, most=10_000)
    related = find_related(memory, among=caller.memories().active()).with_relations()
    listed = list(related[start : start + limit + 1])
    page = fitting(listed[:limit], lambda each: [each])
    caller.reader.log(page, "related")
    next_cursor = str(start + len(page)) if len(page) < len(listed) else None
    return Memories(memories=[shown(each) for each in page], next_cursor=next_cursor)


def list_apps(
    caller: Caller,
    cursor: Cursor = None,
) -> Apps:
    """List the apps that remember for this person, with how much each put down and has read.

    Call it when they ask which assistants know them, or where memories come from.
    """
    _ = caller.app  # a paused app is told nothing
    apps = App.objects.owned_by(caller.user).with_counts().order_by("name")
    listed = list((apps.filter(name__gt=cursor) if cursor else apps)[: SHOWN_APPS + 1])
    page = listed[:SHOWN_APPS]
    return Apps(
        apps=[_shown_app(app) for app in page],
        next_cursor=page[-1].name if len(page) < len(listed) else None,
    )


def _shown_app(app: App) -> ShownApp:
    return ShownApp(
        id=str(app.pk),
        name=app.name,
        is_active=app.is_active,
        memories=app.total_memories_created,  # type: ignore[attr-defined]
        memories_read=app.total_memories_accessed,  # type: ignore[attr-defined]
    )
