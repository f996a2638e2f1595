"""The five tools of the original server, at its addresses and with its results."""

from __future__ import annotations

import json
import uuid
from typing import Annotated, Any

from pydantic import Field

from memories.lifecycle.remember import Event
from memories.models import Memory, MemoryNotFound, State
from memories.models.memory import fingerprint
from memories.search import find, log_hits
from memories.serializers import SearchSerializer

from .cursors import after, fitting
from .schemas import written
from .tool_call import Caller
from .tools.arguments import read
from .tools.write import store, undeleted

FOUND = 10
LISTED = 100


def add_memories(
    caller: Caller,
    text: Annotated[str, Field(description="What to remember, in full sentences.")],
    infer: Annotated[bool, Field(description="False keeps the text exactly as it is.")] = True,
) -> str:
    """Remember something about this person for later conversations.

    Call it whenever they tell you something about themselves, their preferences or plans that
    may matter another day, or when they ask you to remember something.
    """
    stored = store(caller, text=text, infer=infer)
    event = {Event.DUPLICATE: "NONE"}.get(stored.event, stored.event)
    memory = stored.memory
    return _json({"results": [{"id": str(memory.pk), "memory": memory.content, "event": event}]})


def search_memory(
    caller: Caller,
    query: Annotated[str, Field(description="What you want to know, in any words.")],
) -> str:
    """Find what is remembered about this person that answers a question.

    Call it before you answer anything that may depend on who the person is.
    """
    asked = read(SearchSerializer, {"query": query})
    result = find(asked["query"], reader=caller.reader, top_k=FOUND)
    page = fitting(result.hits, lambda hit: hit.memories)
    log_hits(page, reader=caller.reader)
    return _json({"results": [{**_shown(hit.memory), "score": hit.score} for hit in page]})


def list_memories(caller: Caller) -> str:
    """List what is remembered about this person, the newest first.

    It shows the newest hundred at most: search_memory finds the others.
    """
    memories = after(caller.memories().active().with_relations(), None)
    page = fitting(list(memories[:LISTED]), lambda memory: [memory])
    caller.reader.log(page, "list")
    return _json([{**_shown(memory), "user_id": caller.user.user_id} for memory in page])


def delete_memories(
    caller: Caller,
    memory_ids: Annotated[
        list[uuid.UUID], Field(min_length=1, max_length=1000, description="The ids of memories.")
    ],
) -> str:
    """Forget some memories, by their ids. Call it only when the person asks for it."""
    named = caller.memories().filter(pk__in=memory_ids)
    count = named.count()
    if not count:
        raise MemoryNotFound("None of these ids is one of a memory.")
    named.change_state(State.DELETED, by=caller.by)
    return f"Successfully deleted {count} memories"


def delete_all_memories(caller: Caller) -> str:
    """Forget everything that is remembered about this person.

    Call it only when they have asked for exactly that, and confirmed it.
    """
    count = undeleted(caller).change_state(State.DELETED, by=caller.by)
    return f"Successfully deleted all memories ({count})"


def _shown(memory: Memory) -> dict[str, Any]:
    moment = written(memory.created_at)
    return {
        "id": str(memory.pk),
        "memory": memory.content,
        "hash": fingerprint(memory.content).hex(),
        "metadata": memory.metadata,
        "created_at": moment,
        "updated_at": moment,
    }


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
