"""`as_of`: what lists, searches and counts answered at a moment of the past."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from core.sql import fetch_column
from memories.categories.merge import rename_category
from memories.change_log.past_views import VIEWS
from memories.lifecycle import purge
from memories.models import Category, LogLine
from tests.cast import errors_of

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def moment() -> str:
    return timezone.now().isoformat()


def listed(member, **query):
    answer = member.get("/memories", query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def texts(member, **query):
    return {item["content"] for item in listed(member, **query)["items"]}


def found(member, query, **body):
    answer = member.post("/memories/search", {"query": query, "min_score": 0, **body})
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


def remember_in(member, text, categories, **fields):
    memory = member.remember(text, **fields)
    member.patch(f"/memories/{memory['id']}", {"categories": categories})
    return memory


def without_moment(answer):
    return {name: value for name, value in answer.items() if name not in ("as_of", "erased_since")}


def test_a_list_a_memory_and_counts_are_as_they_were(alice):
    rex = remember_in(alice, "Rex is a dog", ["pets"], metadata={"source": "chat"})
    alice.remember("Tea is green")
    path = f"/memories/{rex['id']}"
    then = moment()
    before = [alice.get(where).json() for where in ("/memories", path, "/memories/categories")]
    alice.patch(path, {"text": "Rex is a cat", "metadata": {"source": "call"}})
    alice.patch(path, {"categories": ["cats"]})
    alice.delete(path)
    alice.remember("Ana plays the piano")

    past = [
        alice.get(where, {"as_of": then}).json()
        for where in ("/memories", path, "/memories/categories")
    ]

    assert [without_moment(answer) for answer in past] == before
    assert past[0]["erased_since"] == 0
    assert past[0]["as_of"] == int(datetime.fromisoformat(then).timestamp())
    assert alice.get("/stats", {"as_of": then}).json()["total_memories"] == 2
    assert alice.get(path, {"as_of": moment()}).json()["state"] == "deleted"


def test_a_search_finds_by_the_words_and_the_meaning_of_then(alice):
    memory = alice.remember("My dog is called Rex")
    for text in ("Tea is green", "Ana plays the piano"):
        alice.remember(text)
    then = moment()
    query = "What is the name of my dog?"
    before = found(alice, query)
    alice.patch(f"/memories/{memory['id']}", {"text": "The moon is far away"})

    assert found(alice, query, as_of=then) == before
    assert before[0]["text"] == "My dog is called Rex"
    assert found(alice, query) != before


def test_a_filter_reads_metadata_categories_and_states_of_then(alice):
    memory = remember_in(alice, "Rex is a dog", ["pets"], metadata={"age": 3})
    path = f"/memories/{memory['id']}"
    alice.post("/memories/actions/archive", {"memory_ids": [memory["id"]]})
    then = moment()
    alice.post("/memories/actions/pause", {"memory_ids": [memory["id"]], "state": "active"})
    alice.patch(path, {"metadata": {"age": 4}, "categories": ["dogs"]})

    def matches(**body):
        answer = alice.post("/memories/filter", {"as_of": then, **body})
        assert answer.status_code == 200, answer.content
        return [item["state"] for item in answer.json()["items"]]

    assert matches() == []
    assert matches(show_archived=True, metadata={"age": 3}) == ["archived"]
    assert matches(show_archived=True, metadata={"age": 4}) == []
    assert texts(alice, as_of=then, categories="pets") == set()
    assert texts(alice, categories="dogs") == {"Rex is a dog"}


def test_before_the_log_and_in_the_future_is_refused(alice, bob):
    memory = alice.remember("Rex is a dog")
    began = LogLine.objects.get(memory_id=memory["id"]).at
    hour = timedelta(hours=1)

    early = alice.get("/memories", {"as_of": (began - hour).isoformat()})
    late = alice.get("/memories", {"as_of": (began + hour).isoformat()})
    empty = bob.get("/memories", {"as_of": moment()})

    assert (early.status_code, early.json()["code"]) == (400, "before_log")
    assert began.isoformat().replace("+00:00", "Z") in early.json()["detail"]
    assert late.status_code == 400
    assert errors_of(early) == errors_of(late) == {("query", "as_of")}
    assert empty.json()["code"] == "before_log"


@pytest.mark.parametrize("value", ["yesterday", "2026-01-01", "", "-1", "1e9", "NaN", "9" * 40])
def test_what_is_no_moment_is_named(alice, value):
    alice.remember("Rex is a dog")

    for path in ("/memories", "/memories/categories", "/stats"):
        answer = alice.get(path, {"as_of": value})
        assert answer.status_code == 400, path
        assert errors_of(answer) == {("query", "as_of")}
    answer = alice.post("/memories/search", {"query": "dog", "as_of": value})
    assert errors_of(answer) == {("body", "as_of")}
    assert "Send a day" not in answer.json()["detail"]  # which would be refused as well


def test_whole_seconds_are_the_end_of_a_second_and_fractions_are_exact(alice):
    memory = alice.remember("Rex is a dog")

    at = LogLine.objects.get(memory_id=memory["id"]).at
    assert texts(alice, as_of=int(at.timestamp())) == {"Rex is a dog"}
    assert texts(alice, as_of=at.strftime("%Y-%m-%dT%H:%M:%SZ")) == {"Rex is a dog"}
    assert texts(alice, as_of=at.isoformat()) == {"Rex is a dog"}
    just_before = (at - timedelta(microseconds=1)).isoformat()
    assert alice.get("/memories", {"as_of": just_before}).json()["code"] == "before_log"


def test_what_was_purged_since_is_missing_and_counted(alice):
    rex, _ = alice.remember("Rex is a dog"), alice.remember("Tea is green")
    alice.patch(f"/memories/{rex['id']}", {"text": "Rex is a cat"})
    then = moment()
    alice.patch(f"/memories/{rex['id']}", {"text": "Rex is a fish"})
    with transaction.atomic():
        purge.purge([rex["id"]])

    assert texts(alice, as_of=then) == {"Tea is green"}
    assert listed(alice, as_of=then)["erased_since"] == 1
    assert alice.get(f"/memories/{rex['id']}", {"as_of": then}).status_code == 404
    assert fetch_column("SELECT memory_id FROM memories_formerwords") == []
    assert fetch_column("SELECT memory_id FROM memories_formervector") == []


def test_what_expires_had_not_expired_then(alice):
    soon = int(datetime.now(UTC).timestamp()) + 3600
    memory = alice.remember("The parcel comes today", expires_at=soon)
    then = moment()
    with connection.cursor() as cursor:  # as if that hour had passed
        cursor.execute("UPDATE memories_memory SET expires_at = now()")

    assert texts(alice) == set()
    assert texts(alice, as_of=then) == {"The parcel comes today"}
    shown = alice.get(f"/memories/{memory['id']}", {"as_of": then}).json()
    assert (shown["state"], shown["expires_at"]) == ("active", soon)


def test_a_renamed_category_has_its_former_name(alice, bob):
    memory = remember_in(alice, "Rex is a dog", ["kennel"])
    remember_in(bob, "Tea is green", ["drinks"])
    then = moment()
    rename_category(Category.objects.get(name="kennel").pk, "animals")

    past = alice.get(f"/memories/{memory['id']}", {"as_of": then}).json()
    assert (past["categories"], texts(alice, as_of=then, categories="kennel")) == (
        ["kennel"],
        {"Rex is a dog"},
    )
    assert alice.get(f"/memories/{memory['id']}").json()["categories"] == ["animals"]
    line = alice.get("/log", {"kind": "renamed"}).json()["items"]
    assert [(each["sequence"], each["memory_id"]) for each in line] == [(3, None)]
    assert bob.get("/log", {"kind": "renamed"}).json()["items"] == []


def test_an_app_reads_by_the_rules_of_now_and_is_not_told_what_is_gone(alice):
    hidden = alice.remember("Rex is a dog", app="desk")
    shown = alice.remember("Tea is green", app="desk")
    then = moment()
    rule = {"effect": "deny", "memory_id": hidden["id"]}
    assert alice.post(f"/apps/{hidden['app_id']}/rules", rule).status_code == 201
    desk = alice.with_key(app_name="desk")

    answer = listed(desk, as_of=then)

    assert [item["id"] for item in answer["items"]] == [shown["id"]]
    assert "erased_since" not in answer
    assert desk.get(f"/memories/{hidden['id']}", {"as_of": then}).status_code == 404


def test_a_replaced_memory_is_linked_as_it_was(alice):
    old = alice.remember("I live in Rome")
    then = moment()
    new = alice.remember("I live in Paris", supersedes=[old["id"]])
    later = moment()
    alice.delete(f"/memories/{new['id']}")

    assert texts(alice, as_of=then) == {"I live in Rome"}
    shown = [alice.get(f"/memories/{each['id']}", {"as_of": later}).json() for each in (old, new)]
    assert shown[0]["superseded_by"] == new["id"]
    assert shown[1]["supersedes"] == [old["id"]]


def test_what_takes_no_as_of_says_so(alice):
    memory = alice.remember("Rex is a dog")

    for path in ("/apps", f"/memories/{memory['id']}/history", "/log"):
        assert errors_of(alice.get(path, {"as_of": moment()})) == {("query", "as_of")}
    answer = alice.post("/memories", {"text": "Tea", "as_of": moment()})
    assert errors_of(answer) == {("body", "as_of")}


@pytest.mark.parametrize(("schema", "table"), [view[:2] for view in VIEWS])
def test_views_have_the_columns_of_their_tables(schema, table, alice):
    columns = "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
    columns += " AND NOT attisdropped"

    there = fetch_column(columns, [f"{schema}.{table}"])

    assert sorted(there) == sorted(fetch_column(columns, [table]))
