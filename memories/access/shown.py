"""Memories of known ids with what a response shows of them: Django compiles the statements once."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache

from django.db.models import BooleanField, F, Func
from django.db.models.expressions import RawSQL

from apps_registry.models import App
from core import clock
from core.compiled_query import CompiledQuery
from core.sql import uuid_array
from memories.models import Memory, MemoryNotFound
from memories.models.memory import MemoryQuerySet

# The values that statements are compiled with: each occurs nowhere else in them.
APP, ID = (uuid.UUID(int=number) for number in (2, 3))
IDS = uuid_array([ID])
MOMENT = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)


def load_shown(pk: uuid.UUID, *, app: App | None) -> Memory:
    """Load a memory that the caller may read, with what a response shows to an app or to a user.

    Raises MemoryNotFound.
    """
    memories = load_all_shown([pk], app=app)
    if not memories:
        raise MemoryNotFound
    return memories[0]


def load_all_shown(ids: Sequence[uuid.UUID], *, app: App | None) -> list[Memory]:
    """Load those of these memories that the caller may read, in the order of the ids."""
    values = {} if app is None else {"app": app.pk, "moment": clock.now()}
    found = _shown(app is not None).fetch(ids=uuid_array(ids), **values)
    memories: dict[uuid.UUID, Memory] = {memory.pk: memory for memory in found}
    return [memories[pk] for pk in ids if pk in memories]


def has_id(ids: str) -> Func:
    """Whether a memory has one of these ids, which are a `uuid_array`.

    No subquery: of the past, PostgreSQL would read all memories to join a few with it.
    """
    return Func(
        F("pk"),
        RawSQL("%s::uuid[]", [ids]),
        template="%(expressions)s",
        arg_joiner=" = ANY",
        output_field=BooleanField(),
    )


@cache
def _shown(as_app: bool) -> CompiledQuery:
    def build(ids: str, app: uuid.UUID | None = None, moment: datetime = MOMENT) -> MemoryQuerySet:
        with clock.set_to(moment):
            shown = Memory.objects.shown_to(None if app is None else App(pk=app))
            return shown.with_relations().filter(has_id(ids))

    return CompiledQuery(build, ids=IDS, **({"app": APP, "moment": MOMENT} if as_app else {}))
