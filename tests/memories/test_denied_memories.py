"""What rules deny to an app changes none of its answers: they are as if it were not there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from apps_registry.models import AccessRule, App, Effect
from memories.access.log import log_accesses
from memories.models import Access, LogLine, Memory, State
from tests.agents.agent import Agent
from tests.authority import table
from tests.cast import Member

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z?")

# Reads that are not about memories, or that no app may make.
APART = {
    "GET /backup/export", "GET /config", "GET /config/mem0/embedder", "GET /config/mem0/llm",
    "GET /config/mem0/vector_store", "GET /config/openmemory", "GET /jobs", "GET /jobs/{job_id}",
    "GET /jobs/{job_id}/download", "GET /keys", "GET /log", "GET /users", "GET /users/me",
}  # fmt: skip

QUERIES = [
    "What scares the dog?", "pin 4711", "is 4711 the pin of Ana", "tea", "Ana and Bo", "Porto",
    "secret dentist appointment", "What did Carl say?",
]  # fmt: skip

URIS = ["memory://categories/pets", "memory://categories/health"]

# Stored in this order, a minute apart: the app, the text, and whether it is denied.
STORED = [
    ("desk", "Ana: Our dog Rex is afraid of thunder and lightning", False),
    ("desk", "Carl: My secret pin is 4711", True),
    *[("desk", f"Carl: The secret dentist of number {n} is in Porto, tea or pin", True)
      for n in range(45)],
    ("desk", "Bo: I drink green tea with Ana in the morning", False),
    ("desk", "Carl: Carl drinks green tea with Ana and a dog in the morning", True),
    ("phone", "Bo: The pin board hangs in the kitchen", False),
    ("phone", "Carl: The pin 4711 opens the dentist's door", True),
    ("desk", "Ana: Rex sees the dentist of dogs on Monday", False),
]  # fmt: skip


@dataclass(frozen=True)
class World:
    member: Member
    ids: list[str]  # of the memories that the app may read

    @property
    def desk(self) -> App:
        return App.objects.get(owner=self.member.user, name="desk")


def build(member: Member, *, effect: str | None) -> World:
    """Give a user the memories that the app `desk` may read, and with `effect` also denied ones."""
    stored = [
        (member.remember(text, app=app, conversation="c", timestamp=1_700_000_000 + 60 * n), hidden)
        for n, (app, text, hidden) in enumerate(STORED)
        if effect or not hidden
    ]
    world = World(member, [memory["id"] for memory, hidden in stored if not hidden])
    hidden_ids = [memory["id"] for memory, hidden in stored if hidden]
    for place, pk in enumerate(world.ids):
        Memory.objects.filter(pk=pk).update(namespace=f"desk.{place}", own_key="k")
    for place, pk in enumerate(hidden_ids):
        Memory.objects.filter(pk=pk).update(namespace="desk.0", own_key=f"hidden {place}")
    for place, memory_id in enumerate([*world.ids, *hidden_ids]):
        # So far apart that what is read below makes no two equal, which ids would then sort.
        read(memory_id, times=10 * (place + 1) if memory_id in world.ids else place)
    if effect:
        ids = {Effect.DENY: hidden_ids, Effect.ALLOW: world.ids}[Effect(effect)]
        AccessRule.objects.bulk_create(
            AccessRule(app=world.desk, memory_id=pk, effect=effect) for pk in ids
        )
        supersede(world.ids[1], by=hidden_ids[0])
        supersede(hidden_ids[1], by=world.ids[0])
    Memory.objects.filter(pk=world.ids[1]).change_state(State.ARCHIVED, by=member.user)
    connection.check_constraints()  # writes the log, as the end of a transaction does
    return world


def read(memory_id: str, *, times: int) -> None:
    """Have each app read a memory, before there is a rule."""
    memory = Memory.objects.get(pk=memory_id)
    for app in App.objects.owned_by(memory.user).order_by("name"):
        if times:
            log_accesses([memory], app=app, access_type="list")
        Access.objects.bulk_create(
            Access(memory=memory, app=app, accessed_at=timezone.now(), access_type="list")
            for _ in range(times - 1)
        )


def supersede(memory_id: str, *, by: str) -> None:
    memory = Memory.objects.filter(pk=memory_id)
    memory.supersede_by(
        Memory.objects.get(pk=by), by=Memory.objects.get(pk=by).user, reason="superseded"
    )


def reads(world: World) -> Iterator[tuple[str, str, str, Any]]:
    """Each read operation with a path of this world, and a query or body."""
    yield from reads_by_id(world)
    phone = App.objects.get(owner=world.member.user, name="phone").pk
    for query in (
        {},
        {"page_size": 2, "page": 2},
        {"search_query": "pin"},
        {"sort_column": "memory", "sort_direction": "desc"},
        {"actor": "Carl"},
        {"app_id": str(phone)},
    ):
        yield "GET /memories", "get", "/memories", query
    for body in (
        {"show_archived": True},
        {"search_query": "4711", "show_archived": True},
        {"app_ids": [str(phone)], "size": 1},
        {"actors": ["Carl", "Bo"]},
    ):
        yield "POST /memories/filter", "post", "/memories/filter", body
    # For an app that may read nothing, no log has begun.
    lines = LogLine.objects.filter(memory_id__in=world.ids).order_by("sequence")
    since = (lines.values_list("at", flat=True).first() or timezone.now()).isoformat()
    yield "GET /memories/diff", "get", "/memories/diff", {"from": since}
    yield "GET /memories", "get", "/memories", {"as_of": since}
    yield "GET /stats", "get", "/stats", {"as_of": since}
    yield "GET /memories/categories", "get", "/memories/categories", {"as_of": since}
    yield "POST /memories/search", "post", "/memories/search", {"query": "pin", "as_of": since}
    yield "GET /memories/namespaces", "get", "/memories/namespaces", {"namespace": "desk"}
    yield "GET /memories/categories", "get", "/memories/categories", {}
    yield "GET /apps", "get", "/apps", {}
    if world.ids:  # else no app has more memories than another
        yield "GET /apps", "get", "/apps", {"sort_by": "memories", "sort_direction": "desc"}
    yield "GET /stats", "get", "/stats", {}
    for query_text in QUERIES:
        for extra in ({}, {"filters": {"actors": ["Ana", "Bo"]}}, {"top_k": 1, "threshold": 0.1}):
            body = {"query": query_text, "explain": True, "include_context": 2, **extra}
            yield "POST /memories/search", "post", "/memories/search", body


def reads_by_id(world: World) -> Iterator[tuple[str, str, str, Any]]:
    phone = App.objects.get(owner=world.member.user, name="phone").pk
    by_key = "GET /memories/by-key/{namespace}/{key}"
    for place, memory_id in enumerate(world.ids):
        yield by_key, "get", f"/memories/by-key/desk.{place}/k", {}
        for name in ("", "/access-log", "/related", "/history"):
            yield f"GET /memories/{{memory_id}}{name}", "get", f"/memories/{memory_id}{name}", {}
    for app_id in (world.desk.pk, phone):
        for name in ("", "/memories", "/accessed", "/rules"):
            if name != "/rules" or app_id == phone:
                yield f"GET /apps/{{app_id}}{name}", "get", f"/apps/{app_id}{name}", {}


def answers(world: World) -> list[str]:
    """What the key of the app is answered, without ids and times."""
    bound = world.member.with_key(app_name="desk")
    answered = []
    for operation, method, path, sent in reads(world):
        answer = getattr(bound, method)(path, sent)
        assert answer.status_code == 200 or not world.ids, (path, answer.content)
        answered.append(f"{operation} {plain(sent, world)} → {plain(answer.json(), world)}")
    agent = Agent(bound.secret)
    for tool, arguments in calls(world):
        result = agent.call(tool, **arguments)
        answered.append(f"{tool} → {plain(result.text, world)} {plain(result.data, world)}")
    answered += [plain(agent.ask("resources/read", {"uri": uri}), world) for uri in URIS]
    answered.append(plain(agent.ask("resources/list"), world))
    original = Agent(bound.secret, f"/mcp/desk/http/{world.member.user.user_id}")
    found = [original.call("search_memory", query=query_text).text for query_text in QUERIES]
    answered += [plain(text, world) for text in found]
    answered.append(plain(original.call("list_memories").text, world))
    return answered


def calls(world: World) -> Iterator[tuple[str, dict[str, Any]]]:
    for query_text in QUERIES:
        yield "search_memories", {"query": query_text, "include_context": 3, "limit": 2}
    yield "get_memories", {}
    yield "get_memories", {"limit": 1}
    yield "list_apps", {}
    yield "delete_all_memories", {"confirm": False}
    for memory_id in world.ids:
        yield "get_memory", {"memory_id": memory_id}
        yield "get_related", {"memory_id": memory_id}


def plain(answer: Any, world: World) -> str:
    """An answer as text, with each id replaced by the place of its memory, and times left out."""
    text = answer if isinstance(answer, str) else json.dumps(answer, sort_keys=True)
    places = {pk: f"memory {place}" for place, pk in enumerate(world.ids)}
    text = UUID.sub(lambda match: places.get(match[0], "id"), text)
    text = text.replace(world.member.user.user_id, "user")
    text = re.sub(r'"id": \d+', '"id": 0', text)  # of a row of the access log
    text = re.sub(r'"etag": "\w+"', '"etag": "tag"', text)  # it stands for an id and a time too
    text = re.sub(r'"(at|as_of)": \d+', '"then": 0', text)  # of a row of the history, or asked for
    return MOMENT.sub("then", text)


@pytest.mark.parametrize("effect", ["deny", "allow"])
def test_an_app_is_answered_as_if_denied_memories_were_not_there(alice, bob, effect):
    with_denied = build(alice, effect=effect)
    without = build(bob, effect=None)

    expected, answered = answers(without), answers(with_denied)

    for one, other in zip(answered, expected, strict=True):
        assert one == other
    text = "".join(answered)
    assert [denied for _, denied, hidden in STORED if hidden and denied in text] == []


def test_an_app_that_may_read_nothing_is_answered_as_that_of_a_user_without_memories(alice, bob):
    build(alice, effect="deny")
    desk = App.objects.get(owner=alice.user, name="desk")
    AccessRule.objects.create(app=desk, memory_id=None, effect=Effect.DENY)
    for name in ("desk", "phone"):
        App.objects.create(owner=bob.user, name=name)
    worlds = World(alice, []), World(bob, [])

    with_denied, without = map(answers, worlds)

    for one, other in zip(with_denied, without, strict=True):
        assert one == other


def test_every_read_of_memories_is_compared(alice):
    compared = {operation for operation, *_ in reads(build(alice, effect=None))}
    operations = {
        operation
        for operation in table.read()
        if operation.startswith("GET")
        or operation in {"POST /memories/search", "POST /memories/filter"}
    }

    assert operations - APART == compared


def test_an_app_is_not_told_of_rules_about_what_it_may_not_read(alice):
    world = build(alice, effect="deny")
    AccessRule.objects.create(app=world.desk, memory_id=None, effect=Effect.ALLOW)
    bound = alice.with_key(app_name="desk")

    of_app = bound.get(f"/apps/{world.desk.pk}/rules").json()
    of_user = alice.get(f"/apps/{world.desk.pk}/rules").json()

    assert [rule["memory_id"] for rule in of_app["items"]] == [None]
    assert (of_app["total"], of_user["total"]) == (1, 49)
