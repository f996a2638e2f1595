"""What the tools answer with. A description here is what a model reads."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.urls import reverse
from pydantic import BaseModel, Field

from memories.lifecycle.remember import StoredMemory
from memories.models import Memory
from memories.search import Context, Hit

CURSOR = "Send this as `cursor` for what follows; null at the end."


class ShownMemory(BaseModel):
    id: str = Field(description="What the other tools know it by.")
    text: str = Field(description="What is remembered.")
    categories: list[str] = Field(description="What it is about.")
    app: str = Field(description="The app that put it down.")
    created_at: str = Field(description="When it was learned, in UTC.")
    state: str = Field(description="active, paused, archived or deleted.")
    metadata: dict[str, Any] = Field(description="What the app keeps beside it.")
    actor: str | None = Field(description="Who said it; null when that is unknown.")
    conversation: str | None = Field(
        description="The conversation that it was said in; null when none was named."
    )


class Said(BaseModel):
    id: str = Field(description="What the other tools know it by.")
    text: str = Field(description="What was said.")
    actor: str | None = Field(description="Who said it; null when that is unknown.")
    created_at: str = Field(description="When it was said, in UTC.")


class FoundMemory(ShownMemory):
    score: float = Field(description="Its rank in this search: the greater, the better.")
    similarity: float = Field(description="How near its meaning is: 0 unrelated, 1 the same.")
    before: list[Said] = Field(description="What was said before it, where that was asked for.")
    after: list[Said] = Field(description="What was said after it, where that was asked for.")


class Found(BaseModel):
    memories: list[FoundMemory] = Field(description="The best first.")
    next_cursor: str | None = Field(description=CURSOR)


class Memories(BaseModel):
    memories: list[ShownMemory] = Field(description="In the order that the tool says.")
    next_cursor: str | None = Field(description=CURSOR)


class AddedMemory(ShownMemory):
    event: str = Field(description="ADD, or DUPLICATE when it was remembered already.")
    job: str | None = Field(
        description="Where the API shows the job that turns it into facts, if one does."
    )


class Deleted(BaseModel):
    deleted: int = Field(description="How many memories are deleted that were not before.")


class Paused(BaseModel):
    changed: int = Field(description="How many memories are in another state than before.")
    state: str = Field(description="The state that all of them are in now.")


class ShownApp(BaseModel):
    id: str = Field(description="Its id.")
    name: str = Field(description="What it calls itself.")
    is_active: bool = Field(description="False while its person has paused it.")
    memories: int = Field(description="How many memories it put down.")
    memories_read: int = Field(description="How many different memories it has read.")


class Apps(BaseModel):
    apps: list[ShownApp] = Field(description="In the order of their names.")
    next_cursor: str | None = Field(description=CURSOR)


def shown(memory: Memory) -> ShownMemory:
    return ShownMemory(**_fields(memory))


def found(hit: Hit) -> FoundMemory:
    context = hit.context or Context()
    return FoundMemory(
        **_fields(hit.memory),
        score=round(hit.score, 4),
        similarity=round(hit.similarity, 4),
        before=[_said(memory) for memory in context.before],
        after=[_said(memory) for memory in context.after],
    )


def _said(memory: Memory) -> Said:
    return Said(
        id=str(memory.pk),
        text=memory.content,
        actor=memory.actor or None,
        created_at=written(memory.created_at),
    )


def added(stored: StoredMemory) -> AddedMemory:
    job = reverse("job", args=[stored.job.pk]) if stored.job else None
    return AddedMemory(**_fields(stored.memory), event=stored.event, job=job)


def _fields(memory: Memory) -> dict[str, Any]:
    return {
        "id": str(memory.pk),
        "text": memory.content,
        "categories": list(memory.category_names),
        "app": memory.app.name,
        "created_at": written(memory.created_at),
        "state": memory.state,
        "metadata": memory.metadata,
        "actor": memory.actor or None,
        "conversation": memory.conversation or None,
    }


def written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
