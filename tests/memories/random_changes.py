"""Changes of a user's memories at random, through each of the doors."""

from __future__ import annotations

import io
import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from django.db import transaction
from django.test import Client

from accounts.models import SignInLink, User
from backups.export import export
from backups.export_queries import ExportFilters
from backups.importing import Mode, import_archive
from core import sql
from memories.categories.merge import merge_categories, rename_category
from memories.change_log.run_name import name_run
from memories.lifecycle import purge
from memories.models import Category, LogLine, Memory, UserCategory
from memories.models import State as MemoryState
from tests.agents.agent import Agent
from tests.cast import Member
from tests.mem0.conftest import Client as Mem0Client

WHO = ["Ana", "Bo", "Carl"]
DOES = ["likes", "paints", "repairs", "remembers", "sells"]
WHAT = ["green tea", "the old boat", "a dog called Rex", "the garden in Porto", "her piano"]
STATES = ["active", "paused", "archived"]
QUERIES = ["Who likes tea?", "What about the dog?", "the boat of Bo", "Porto", "piano"]
CATEGORIES = ["kennel", "harbour", "music", "drinks"]


class RandomChanges:
    """What may happen to the memories of a person. Nothing has to: some are refused."""

    def __init__(self, member: Member, seed: int) -> None:
        self.member = member
        self.agent = Agent(member.secret)
        self.mem0 = Mem0Client(member)
        self.random = random.Random(seed)
        self.purged: dict[str, int] = {}  # the number of changes before
        self.changes = 0
        self._archive: bytes | None = None

    def change(self) -> str:
        """Change something, and return what was tried."""
        change = self.random.choice(self._changes) if self.changes else self._store
        change()
        self.changes += 1
        return change.__name__

    @cached_property
    def _changes(self) -> list[Callable[[], Any]]:
        often = [self._store, self._edit, self._change_state]
        return [
            *often, *often, *often, self._replace, self._supersede, self._store_many,
            self._edit_many, self._discard, self._discard_many, self._undo, self._undo,
            self._add_by_agent, self._edit_by_agent, self._pause_by_agent, self._discard_by_agent,
            self._edit_past_the_server, self._change_agent, self._archive_as_housekeeping,
            self._merge, self._rename, self._purge, self._export, self._import, self._run,
            self._put_by_key, self._put_by_key, self._discard_by_key, self._expire,
            self._add_by_mem0, self._edit_by_mem0, self._discard_by_mem0,
            self._pause_on_page, self._undo_on_page, self._archive_in_admin,
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

    def _put_by_key(self) -> None:
        body = {"text": self._text(), **self._fields()}
        self.member.put(f"/memories/by-key/notes/{self.random.choice('xyz')}", body)

    def _discard_by_key(self) -> None:
        self.member.delete(f"/memories/by-key/notes/{self.random.choice('xyz')}")

    def _expire(self) -> None:
        soon = int(datetime.now(UTC).timestamp())
        self.member.patch(f"/memories/{self._pick()}", {"expires_at": soon + 10**6})
        # Expired by now, or in no moment of this history.
        expires_at = self.random.choice([soon - 10, soon + 10**6, None])
        self.member.patch(f"/memories/{self._pick()}", {"expires_at": expires_at})

    def _add_by_mem0(self) -> None:
        message = {"role": "user", "content": self._text()}
        user_id = self.member.user.user_id
        body = {"messages": [message], "infer": False, "user_id": user_id, "agent_id": "butler"}
        self.mem0.post("/v3/memories/add/", body)

    def _edit_by_mem0(self) -> None:
        body = {"text": self._text(), "metadata": {"a": self.random.randrange(3)}}
        self.mem0.put(f"/v1/memories/{self._pick()}/", body)

    def _discard_by_mem0(self) -> None:
        self.mem0.delete(f"/v1/memories/{self._pick()}/")

    @cached_property
    def _browser(self) -> Client:
        """Of the person, who has signed in."""
        browser = Client(headers={"User-Agent": "Mozilla/5.0 (X11; Linux) Firefox/140.0"})
        token = SignInLink.objects.issue(self.member.user)
        browser.post("/sign-in/link", {"token": token})
        return browser

    @cached_property
    def _admin(self) -> Client:
        browser = Client()
        browser.force_login(User.objects.create_superuser(f"operator {uuid.uuid4()}"))
        return browser

    def _pause_on_page(self) -> None:
        verb = self.random.choice(["pause", "resume", "archive", "delete"])
        self._browser.post("/memories/change", {"do": verb, "ids": [self._pick()]})

    def _undo_on_page(self) -> None:
        last = LogLine.objects.of_user(self.member.user).order_by("-sequence").first()
        self._browser.post(f"/log/{last.sequence}/undo")

    def _archive_in_admin(self) -> None:
        if pk := self._pick():
            form = {"action": "archive_selected", "_selected_action": [pk]}
            self._admin.post("/admin/memories/memory/", form)

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
            self.purged[pk] = self.changes

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
