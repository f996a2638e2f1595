"""A random history of a user's memories, and what was known after each of its changes.

By requests, tools, operators, imports, housekeeping and plain SQL. `wrong_moments` then compares
what lists, searches and counts read at each moment with what they read of it as of then, and at
some moments also what was answered.
"""

from __future__ import annotations

import io
import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import chain
from typing import Any

from django.db import transaction

from backups.export import export
from backups.export_queries import ExportFilters
from backups.importing import Mode, import_archive
from core import sql
from memories.categories.merge import merge_categories, rename_category
from memories.change_log.as_of import Past
from memories.change_log.run_name import name_run
from memories.lifecycle import purge
from memories.models import Category, LogLine, Memory, UserCategory
from memories.models import State as MemoryState
from tests.agents.agent import Agent
from tests.cast import Member
from tests.memories.state_of_a_moment import State, read_state, without

WHO = ["Ana", "Bo", "Carl"]
DOES = ["likes", "paints", "repairs", "remembers", "sells"]
WHAT = ["green tea", "the old boat", "a dog called Rex", "the garden in Porto", "her piano"]
STATES = ["active", "paused", "archived"]
QUERIES = ["Who likes tea?", "What about the dog?", "the boat of Bo", "Porto", "piano"]
CATEGORIES = ["kennel", "harbour", "music", "drinks"]


# How many of the moments are also asked about, which takes as long as twenty that are not.
ASKED = 0.1


@dataclass(frozen=True)
class Moment:
    """What was read at a moment and, if asked, answered: the list, one memory, and a search."""

    at: str
    change: str
    state: State
    asked: dict[str, Any] | None
    answers: list[Any]


class History:
    def __init__(self, member: Member, seed: int) -> None:
        self.member = member
        self.agent = Agent(member.secret)
        self.random = random.Random(seed)
        self.moments: list[Moment] = []
        self.purged: dict[str, int] = {}  # the number of moments before
        self._archive: bytes | None = None

    def run(self, changes: int) -> None:
        self._store()
        for _ in range(changes - 1):
            change = self.random.choice(self._changes)
            change()
            self._look(change.__name__)

    def wrong_moments(self) -> Iterator[tuple[int, Moment, Any]]:
        """The moments that `as_of` answers otherwise, but for what was purged since."""
        for number, moment in enumerate(self.moments):
            gone = {pk for pk, before in self.purged.items() if before > number}
            state = without(gone, moment.state)
            if any(known != state for known in self._read_as_of(moment.at)):
                yield number, moment, None
            if moment.asked is None:
                continue
            answers = self._ask(moment.asked, as_of=moment.at)
            expected = moment.answers
            if gone:
                # Scores are those among all that there is.
                answers, expected = (_without(gone, each[:2]) for each in (answers, expected))
            if answers != expected:
                yield number, moment, answers

    def _read_as_of(self, at: str) -> Iterator[State]:
        """All at once, and what has changed since apart from the rest."""
        user = self.member.user
        past = Past.at(datetime.fromisoformat(at), user=user)
        with past.reading():
            known = read_state(user)
            parts = past.in_parts(lambda: read_state(user))
        yield known
        order = {row[0]: place for place, row in enumerate(known)}
        yield sorted(chain(*parts), key=lambda row: order.get(row[0], -1))

    def _look(self, change: str) -> None:
        at, state = datetime.now(UTC).isoformat(), read_state(self.member.user)
        if self.random.random() >= ASKED:
            self.moments.append(Moment(at, change, state, None, []))
            return
        asked = {
            "id": self._pick() or str(uuid.UUID(int=0)),
            "query": self.random.choice(QUERIES),
            "list": self.random.choice(
                [{}, {"actor": "Ana"}, {"categories": "harbour"}, {"search_query": "dog"}]
            ),
        }
        self.moments.append(Moment(at, change, state, asked, self._ask(asked)))

    def _ask(self, asked: dict[str, Any], **as_of: str) -> list[Any]:
        listed = self.member.get("/memories", {"page_size": 100, **asked["list"], **as_of})
        one = self.member.get(f"/memories/{asked['id']}", as_of)
        body = {"query": asked["query"], "min_score": 0, "include_context": 1, **as_of}
        found = self.member.post("/memories/search", body)
        return [
            listed.json()["items"],
            one.json() if one.status_code == 200 else one.status_code,
            found.json()["results"],
        ]

    @cached_property
    def _changes(self) -> list[Callable[[], Any]]:
        often = [self._store, self._edit, self._change_state]
        return [
            *often, *often, *often, self._replace, self._supersede, self._store_many,
            self._edit_many, self._discard, self._discard_many, self._undo, self._undo,
            self._add_by_agent, self._edit_by_agent, self._pause_by_agent, self._discard_by_agent,
            self._edit_past_the_server, self._change_agent, self._archive_as_housekeeping,
            self._merge, self._rename, self._purge, self._export, self._import, self._run,
        ]  # fmt: skip

    def _pick(self) -> str | None:
        ids = Memory.objects.owned_by(self.member.user).order_by("arrival")
        chosen = [str(pk) for pk in ids.values_list("pk", flat=True)]
        return self.random.choice(chosen) if chosen else None

    def _text(self) -> str:
        return " ".join(self.random.choice(words) for words in (WHO, DOES, WHAT))

    def _fields(self) -> dict[str, Any]:
        chance = self.random.random
        fields: dict[str, Any] = {}
        if chance() < 0.4:
            fields["metadata"] = {self.random.choice("ab"): self.random.randrange(3)}
        if chance() < 0.3:
            fields["actor"] = self.random.choice(WHO)
        if chance() < 0.3:
            fields["conversation"] = self.random.choice(["talk", "call"])
        if chance() < 0.2:
            fields["timestamp"] = 1_700_000_000 + self.random.randrange(10**6)
        if chance() < 0.2:
            fields["valid_until"] = 1_700_000_000 + self.random.randrange(10**9)
        return fields

    # --- The changes -------------------------------------------------------------------------

    def _store(self) -> None:
        self.member.post("/memories", {"text": self._text(), **self._fields()})

    def _supersede(self) -> None:
        self.member.post("/memories", {"text": self._text(), "supersedes": [self._pick()]})

    def _store_many(self) -> None:
        memories = [{"text": self._text(), **self._fields()} for _ in range(3)]
        self.member.post("/memories/bulk", {"memories": memories, "atomic": False})

    def _edit(self) -> None:
        fields = self._fields()
        if self.random.random() < 0.6:
            fields["text"] = self._text()
        if self.random.random() < 0.4:
            fields["categories"] = self.random.sample(CATEGORIES, 2)
        self.member.patch(f"/memories/{self._pick()}", fields)

    def _edit_many(self) -> None:
        changes = {"metadata": {"a": self.random.randrange(3)}}
        self.member.patch("/memories/bulk", {"filters": {"actors": ["Ana"]}, "changes": changes})

    def _replace(self) -> None:
        self.member.put(f"/memories/{self._pick()}", {"memory_content": self._text()})

    def _change_state(self) -> None:
        body = {"memory_ids": [self._pick()], "state": self.random.choice(STATES)}
        self.member.post("/memories/actions/pause", body)

    def _discard(self) -> None:
        self.member.delete(f"/memories/{self._pick()}")

    def _discard_many(self) -> None:
        self.member.delete("/memories", {"filters": {"metadata": {"a": 1}}})

    def _undo(self) -> None:
        lines = LogLine.objects.of_user(self.member.user).order_by("-sequence")
        line = self.random.choice(list(lines[:5]))
        self.member.post(f"/log/{line.sequence}/undo", {"run": line.run is not None})

    def _add_by_agent(self) -> None:
        self.agent.call("add_memory", text=self._text())

    def _edit_by_agent(self) -> None:
        self.agent.call("update_memory", memory_id=self._pick(), text=self._text())

    def _pause_by_agent(self) -> None:
        self.agent.call("pause_memories", memory_ids=[self._pick()])

    def _discard_by_agent(self) -> None:
        self.agent.call("delete_memory", memory_id=self._pick())

    def _edit_past_the_server(self) -> None:
        # Its words and vector stay, as searches then have it, too.
        changed = "UPDATE memories_memory SET metadata = %s, actor = 'Carl' WHERE id = %s"
        sql.execute(changed, ['{"b": 2}', self._pick()])

    def _change_agent(self) -> None:
        # As an import may. Clients of Mem0 name it when they store.
        agent = self.random.choice(["", "butler", "cook"])
        Memory.objects.filter(pk=self._pick()).update(agent_id=agent)

    def _archive_as_housekeeping(self) -> None:
        memories = Memory.objects.owned_by(self.member.user).active().filter(pk=self._pick())
        memories.change_state(MemoryState.ARCHIVED, by=None, reason="after 30 days")

    def _merge(self) -> None:
        categories = list(Category.objects.canonical().filter(name__in=CATEGORIES))
        if len(categories) > 2:
            first, second = self.random.sample(categories, 2)
            merge_categories([first.pk, second.pk], into=second.pk)

    def _rename(self) -> None:
        own = UserCategory.objects.filter(user=self.member.user).values("category")
        categories = list(Category.objects.canonical().filter(pk__in=own).order_by("name"))
        if categories:
            rename_category(self.random.choice(categories).pk, f"category {uuid.uuid4()}")

    def _purge(self) -> None:
        pk = self._pick()
        if pk and self.random.random() < 0.5:
            with transaction.atomic():
                purge.lock_readers([uuid.UUID(pk)])
                purge.purge([uuid.UUID(pk)])
            self.purged[pk] = len(self.moments)

    def _export(self) -> None:
        target = io.BytesIO()
        export(self.member.user, target, filters=ExportFilters())
        self._archive = target.getvalue()

    def _import(self) -> None:
        if self._archive:
            user = self.member.user
            file = io.BytesIO(self._archive)
            import_archive(file, user=user, mode=Mode.OVERWRITE, by=user)

    def _run(self) -> None:
        """What a run of inference does: several changes at once."""
        memories = Memory.objects.owned_by(self.member.user)
        with transaction.atomic():
            name_run(uuid.uuid4())
            memories.filter(pk=self._pick()).active().change_state(MemoryState.ARCHIVED, by=None)
            memories.filter(pk=self._pick()).update(metadata={"b": 1})


def _without(gone: set[str], answers: list[Any]) -> list[Any]:
    """The list and the memory without those that are gone, and links to them."""
    listed, one = answers
    kept = [_unlinked(gone, item) for item in listed if item["id"] not in gone]
    if isinstance(one, dict):
        one = 404 if one["id"] in gone else _unlinked(gone, one)
    return [kept, one]


def _unlinked(gone: set[str], item: dict[str, Any]) -> dict[str, Any]:
    return {
        **item,
        "superseded_by": None if item["superseded_by"] in gone else item["superseded_by"],
        "supersedes": [pk for pk in item["supersedes"] if pk not in gone],
    }
