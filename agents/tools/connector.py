"""The two tools that ChatGPT wants of a connector, with the arguments and results that it knows."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from django.urls import reverse
from pydantic import Field

from accounts.person_access import server_url
from agents.cursors import take_fitting
from agents.schemas import FetchedDocument, FoundDocument, FoundDocuments
from agents.tool_call import Caller
from memories.search import Cutoffs, find_hits, log_hits
from memories.serializers import SearchSerializer

from .arguments import validate
from .read import get_memory

MAX_HITS = 20
MAX_TITLE = 80


def search(
    caller: Caller,
    query: Annotated[str, Field(description="A question, or keywords.")],
) -> FoundDocuments:
    """Find memories about the user, for clients that search and then fetch.

    It returns the ids and the beginnings of what fits best: fetch returns a whole one. Where
    search_memories can be called, it tells more.
    """
    validated = validate(SearchSerializer, {"query": query})
    result = find_hits(validated["query"], reader=caller.reader, cutoffs=Cutoffs(top_k=MAX_HITS))
    page = take_fitting(result.hits, lambda hit: hit.memories)
    log_hits(page, reader=caller.reader)
    return FoundDocuments(
        results=[
            FoundDocument(
                id=str(hit.memory.pk), title=_title(hit.memory.content), url=_url(hit.memory.pk)
            )
            for hit in page
        ]
    )


def fetch(
    caller: Caller,
    id: Annotated[uuid.UUID, Field(description="The id of a result of search.")],
) -> FetchedDocument:
    """Return one memory that search has found, with what is known of it."""
    memory = get_memory(caller, id)
    known = memory.model_dump(exclude={"id", "text", "metadata"})
    return FetchedDocument(
        id=memory.id,
        title=_title(memory.text),
        text=memory.text,
        url=_url(memory.id),
        metadata={name: _as_text(value) for name, value in known.items() if value},
    )


def _title(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_TITLE else f"{line[: MAX_TITLE - 1].rstrip()}…"


def _url(memory_id: uuid.UUID | str) -> str:
    """The page of a memory: models cite it."""
    return f"{server_url()}{reverse('pages:memory', args=[memory_id])}"


def _as_text(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)
