"""Pages and counts of the past are merged from what has changed since and what has not."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, migrations, models
from django.test.utils import CaptureQueriesContext

from apps_registry.models import AccessRule, App
from core.sql import fetch_value
from memories.categories.merge import rename_category
from memories.change_log.chain_check import find_faults
from memories.change_log.past_views import IS_MADE, drop_views, make_views
from memories.models import Category, LogLine, Memory, UserCategory
from tests.agents.agent import Agent
from tests.memories.stock import stock
from tests.memories.test_as_of import moment, without_moment

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

# The query of each list, and its pages.
LISTS: list[tuple[dict[str, Any], tuple[int, ...]]] = [
    ({}, (1, 2, 3, 9)),
    ({"sort_direction": "asc"}, (1, 2)),
    ({"sort_column": "memory", "sort_direction": "desc"}, (2,)),
    ({"sort_column": "categories", "sort_direction": "desc"}, (1,)),
    ({"sort_column": "app_name"}, (1,)),
    ({"categories": "kennel"}, (1, 2)),
    ({"actor": "Ana"}, (1,)),
    ({"metadata": '{"n": {"lt": 4}}'}, (1,)),
]
FILTERS: list[dict[str, Any]] = [{}, {"show_archived": True}, {"metadata": {"n": 3}}]


def fill(member):
    """Ten memories, two of each moment, every other one in a category."""
    bodies = [
        {
            "text": f"The {n}th plant needs water",
            "timestamp": 1_700_000_000 + n // 2,
            "metadata": {"n": n},
            "actor": "Ana" if n % 3 else "Bo",
            "infer": False,
        }
        for n in range(10)
    ]
    results = member.post("/memories/bulk", {"memories": bodies}).json()["results"]
    ids = [result["id"] for result in results]
    for each in ("kennel", "garden"):
        chosen = ids[::2] if each == "kennel" else ids[1::2]
        member.patch("/memories/bulk", {"ids": chosen, "changes": {"categories": [each]}})
    return ids


def change_some(member, ids):
    member.patch(f"/memories/{ids[2]}", {"text": "A stone", "categories": ["stones"]})
    member.patch(f"/memories/{ids[3]}", {"metadata": {"n": 99}, "actor": "Carl"})
    assert member.patch(f"/memories/{ids[7]}", {"timestamp": 1_600_000_000}).status_code == 200
    member.delete(f"/memories/{ids[4]}")
    member.post("/memories/actions/archive", {"memory_ids": [ids[5]]})
    member.remember("A new plant", timestamp=1_700_000_002)
    rename_category(Category.objects.get(name="kennel").pk, "dogs")


def pages(member, **as_of):
    """Every page of each list, and what else is counted."""
    answers = [
        member.get("/memories", {**query, "page_size": 3, "page": page, **as_of})
        for query, numbers in LISTS
        for page in numbers
    ]
    answers += [
        member.post("/memories/filter", {**body, "size": 4, "page": page, **as_of})
        for body, page in zip(FILTERS, (1, 2, 1), strict=True)
    ]
    answers += [member.get(path, as_of) for path in ("/memories/categories", "/stats")]
    assert {answer.status_code for answer in answers} == {200}
    shown = [without_moment(answer.json()) for answer in answers]
    shown[-2]["categories"] = [each["name"] for each in shown[-2]["categories"]]
    return shown


def test_every_page_is_as_it_was(alice):
    ids = fill(alice)
    then, before = moment(), pages(alice)
    change_some(alice, ids)

    assert pages(alice, as_of=then) == before
    assert pages(alice) != before


def test_an_agent_reads_all_pages_of_the_past(alice):
    ids, agent = fill(alice), Agent(alice.secret)

    def read(**as_of):
        found, cursor = [], {}
        while True:
            data = agent.call("get_memories", limit=3, **cursor, **as_of).data
            found += data["memories"]
            if data["next_cursor"] is None:
                return found
            cursor = {"cursor": data["next_cursor"]}

    then, before = moment(), read()
    change_some(alice, ids)

    assert len(before) == 10
    assert read(as_of=then) == before


def test_a_page_of_the_past_reads_no_more_than_a_page_of_each_part(alice):
    stock(alice.user, [f"Plant {n}" for n in range(300)])
    then = moment()
    ids = [str(pk) for pk in Memory.objects.values_list("pk", flat=True)[:20]]
    alice.patch("/memories/bulk", {"ids": ids, "changes": {"metadata": {"a": 1}}})

    with CaptureQueriesContext(connection) as context:
        answer = alice.get("/memories", {"page_size": 5, "as_of": then})

    assert (answer.json()["total"], len(answer.json()["items"])) == (300, 5)
    listing = [query["sql"] for query in context if "ORDER BY" in query["sql"]]
    assert sum("LIMIT 6" in statement for statement in listing) == 2


def test_the_agent_of_a_memory_is_known_of_the_past_and_taken_back(alice):
    memory = alice.remember("Rex is a dog")
    rows = Memory.objects.filter(pk=memory["id"])
    rows.update(agent_id="butler")
    then = moment()
    rows.update(agent_id="")
    lines = LogLine.objects.of_user(alice.user).after(0)

    assert [line.snapshot.get("agent_id") for line in lines] == [None, "butler", None]
    assert [line.kind for line in lines] == ["stored", "revised", "revised"]
    assert agent_as_of(alice, then) == "butler"
    assert alice.post("/log/3/undo").status_code == 200
    assert rows.get().agent_id == "butler"
    assert find_faults(alice.user.pk) == []


def agent_as_of(member, at):
    from memories.change_log.as_of import Past
    from memories.filters import parse_past

    past = Past.at(parse_past(at), user=member.user)
    with past.reading():
        return Memory.objects.owned_by(member.user).get().agent_id


def test_the_past_is_not_answered_while_it_cannot_be_read(alice):
    alice.remember("Rex is a dog")
    then = moment()
    alice.remember("Tea is green")
    paths = ("/memories", "/memories/categories", "/stats")
    plan = [(migration(migrations.AlterField("memory", "actor", models.TextField())), False)]

    drop_views(plan=plan)
    try:
        refused = [alice.get(path, {"as_of": then}) for path in paths]
        search = alice.post("/memories/search", {"query": "dog", "as_of": then})
        tool = Agent(alice.secret).call("get_memories", as_of=then)
        latest = alice.get("/memories", {"as_of": moment()})
    finally:
        make_views(plan=plan)

    for answer in (*refused, search):
        assert (answer.status_code, answer.json()["code"]) == (503, "past_unavailable")
        assert answer.headers["Retry-After"]
    assert tool.is_error
    assert latest.json()["total"] == 2
    assert alice.get("/memories", {"as_of": then}).json()["total"] == 1


def migration(*operations):
    made = migrations.Migration("9999_made", "memories")
    made.operations = list(operations)
    return made


def test_a_migration_that_only_adds_leaves_the_past_readable(db):
    field = models.TextField(default="")
    added = migration(migrations.AddField("memory", "mood", field))

    drop_views(plan=[(added, False)])
    assert fetch_value(IS_MADE)
    drop_views(plan=[(added, True)])
    assert not fetch_value(IS_MADE)
    make_views(plan=[])
    assert not fetch_value(IS_MADE)
    call_command("migrate", "memories", verbosity=0)  # has nothing to do
    assert not fetch_value(IS_MADE)
    make_views(sender=apps.get_app_config("memories"))
    assert fetch_value(IS_MADE)


def test_an_app_that_may_read_nothing_is_answered_as_where_no_log_began(alice, bob):
    alice.remember("Rex is a dog", app="desk")
    then = moment()
    alice.remember("Tea is green", app="desk")
    AccessRule.objects.create(app=App.objects.get(owner=alice.user), effect="deny")
    App.objects.create(owner=bob.user, name="desk")
    reads = [("/memories/diff", "from"), *((path, "as_of") for path in ("/memories", "/stats"))]

    def told(member):
        desk = member.with_key(app_name="desk")
        answers = [desk.get(path, {name: then}).json() for path, name in reads]
        return [{**answer, "request_id": ""} for answer in answers]

    assert told(alice) == told(bob)
    assert {answer["code"] for answer in told(alice)} == {"before_log"}


def test_for_an_app_the_log_begins_with_what_it_may_read(alice):
    hidden = alice.remember("Rex is a dog", app="desk")
    early = moment()
    alice.remember("Tea is green", app="desk")
    late = moment()
    desk = App.objects.get(owner=alice.user)
    AccessRule.objects.create(app=desk, memory_id=hidden["id"], effect="deny")
    bound = alice.with_key(app_name="desk")

    assert bound.get("/memories/diff", {"from": early}).json()["code"] == "before_log"
    assert bound.get("/memories", {"as_of": late}).json()["total"] == 1
    assert alice.get("/memories", {"as_of": early}).json()["total"] == 1


def test_categories_that_are_left_only_in_what_has_changed_are_known(alice):
    ids = fill(alice)
    then = moment()
    alice.patch("/memories/bulk", {"ids": ids, "changes": {"categories": ["other"]}})

    answer = alice.get("/memories/categories", {"as_of": then}).json()

    assert [each["name"] for each in answer["categories"]] == ["garden", "kennel"]
    assert UserCategory.objects.filter(user=alice.user).count() == 3
