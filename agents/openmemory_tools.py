"""The five tools of the original server, with its URLs and results."""

from __future__ import annotations

import json
import uuid
from typing import Annotated, Any

from pydantic import Field

from memories.lifecycle.remember import Event
from memories.models import Memory, MemoryNotFound, State
from memories.models.fingerprint import fingerprint
from memories.search import Cutoffs, find_hits, log_hits
from memories.serializers import SearchSerializer

from .cursors import after, take_fitting
from .schemas import format_time
from .tool_call import Caller
from .tools.arguments import validate
from .tools.write import store, undeleted_memories

MAX_HITS = 10
MAX_LISTED = 100


def add_memories(
    caller: Caller,
    text: Annotated[str, Field(description="The text to store, in full sentences.")],
    infer: Annotated[bool, Field(description="False stores the text unchanged.")] = True,
) -> str:
    """Store something about the user for later conversations.

    Call it whenever the user tells you something about themselves, their preferences or plans that
    may matter another day, or asks you to remember something.
    """
    stored_memory = store(caller, text=text, infer=infer)
    event = {Event.DUPLICATE: "NONE"}.get(stored_memory.event, stored_memory.event)
    memory = stored_memory.memory
    content = {"memory": memory.content} if caller.key.can_read else {}
    return _json({"results": [{"id": str(memory.pk), **content, "event": event}]})


def search_memory(
    caller: Caller,
    query: Annotated[str, Field(description="The question, or keywords.")],
) -> str:
    """Search the memories about the user.

    Call it before you answer anything that may depend on who the user is.
    """
    validated = validate(SearchSerializer, {"query": query})
    # Without a floor, as in the original.
    cutoffs = Cutoffs(top_k=MAX_HITS, min_score=0)
    result = find_hits(validated["query"], reader=caller.reader, cutoffs=cutoffs)
    page = take_fitting(result.hits, lambda hit: hit.memories)
    log_hits(page, reader=caller.reader)
    return _json({"results": [{**_render(hit.memory), "score": hit.score} for hit in page]})


def list_memories(caller: Caller) -> str:
    """List the memories about the user, newest first.

    It returns at most the newest hundred. Use search_memory to find others.
    """
    memories = after(caller.memories().active().with_relations(), None)
    page = take_fitting(list(memories[:MAX_LISTED]), lambda memory: [memory])
    caller.reader.log(page, "list")
    return _json([{**_render(memory), "user_id": caller.user.named_id} for memory in page])


def delete_memories(
    caller: Caller,
    memory_ids: Annotated[
        list[uuid.UUID], Field(min_length=1, max_length=1000, description="The memories' ids.")
    ],
) -> str:
    """Delete memories by their ids. Call it only when the user asks for it."""
    memories = caller.memories().filter(pk__in=memory_ids)
    count = memories.count()
    if not count:
        raise MemoryNotFound("No memory has any of these ids.")
    memories.change_state(State.DELETED, by=caller.by)
    return f"Successfully deleted {count} memories"


def delete_all_memories(caller: Caller) -> str:
    """Delete all memories about the user.

    Call it only when the user has asked for exactly that, and confirmed it.
    """
    count = undeleted_memories(caller).change_state(State.DELETED, by=caller.by)
    return f"Successfully deleted all memories ({count})"


def _render(memory: Memory) -> dict[str, Any]:
    created_at = format_time(memory.created_at)
    return {
        "id": str(memory.pk),
        "memory": memory.content,
        "hash": fingerprint(memory.content).hex(),
        "metadata": memory.metadata,
        "created_at": created_at,
        "updated_at": created_at,
    }


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
