import json
import uuid
from io import StringIO

import numpy as np
import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from core.locks import Lock
from jobs.runner import run_due
from memories import search
from memories.access.reader import Reader
from memories.metadata_filter import MetadataFilter
from memories.models import Embedding, EmbeddingSpace, Memory, State, UserIndex
from memories.vectors import user_index
from memories.vectors.user_index import (
    GROWTH_CHECK_INTERVAL,
    IndexingUnderway,
    Outcome,
    check_growth,
    drop_index,
    drop_leftovers,
    sync_index,
)
from tests.memories.stock import stock

# An index cannot be built concurrently inside of the transaction of a test.
pytestmark = [pytest.mark.django_db(transaction=True, serialized_rollback=True), pytest.mark.slow]

LIMIT = 100
ALL = search.Cutoffs(top_k=100, min_score=0)


@pytest.fixture(autouse=True)
def _small_limit(settings, transactional_db):
    settings.EXACT_SEARCH_LIMIT = LIMIT
    yield
    UserIndex.objects.all().delete()
    drop_leftovers()


@pytest.fixture
def space(alice):
    return EmbeddingSpace.objects.current()


def indexes() -> dict[str, bool]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, indisvalid FROM pg_index JOIN pg_class ON oid = indexrelid"
            " WHERE relname LIKE 'nearest%'"
        )
        return dict(cursor.fetchall())


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("index_vectors", *arguments, stdout=out)
    return out.getvalue()


def many(user, count: int = 250) -> list[Memory]:
    return stock(user, [f"Tea number {number}." for number in range(count)])


def found_by(user, **kind) -> str:
    return (
        search.find_hits("tea", reader=Reader(user), explain=True, **kind)
        .hits[0]
        .explanation.vectors_by
    )


def test_who_has_outgrown_exact_search_gets_an_index(alice, space):
    many(alice.user)
    assert found_by(alice.user) == "exact"

    assert sync_index(alice.user, space) == Outcome.BUILT

    assert indexes() == {f"nearest_{alice.user.pk.hex}_{space.pk}": True}
    index = UserIndex.objects.get()
    assert (index.user, index.space, index.memories) == (alice.user, space, 250)
    assert index.common_words["tea"] == 250
    assert "237" not in index.common_words
    assert found_by(alice.user) == "index"


def test_a_search_asks_the_index_and_finds_what_exact_search_finds(alice, space):
    many(alice.user)
    exact = search.find_hits("tea", reader=Reader(alice.user), cutoffs=ALL)
    sync_index(alice.user, space)

    with CaptureQueriesContext(connection) as context:
        indexed = search.find_hits("tea", reader=Reader(alice.user), cutoffs=ALL)

    [asked] = [each["sql"] for each in context if "::halfvec(" in each["sql"]]
    with connection.cursor() as cursor:
        # Among so few memories PostgreSQL would rather compare them all.
        cursor.execute("SET enable_sort TO off")
        cursor.execute(f"EXPLAIN {asked}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
        cursor.execute("RESET enable_sort")
    assert f"nearest_{alice.user.pk.hex}" in plan
    same = {hit.memory.pk for hit in exact.hits} & {hit.memory.pk for hit in indexed.hits}
    assert len(same) >= 90


def test_filters_leave_room_for_all_that_match_with_an_index_too(alice, space):
    many(alice.user)
    vectors = -np.eye(384)[:20]
    left = stock(alice.user, ["Coffee."] * 20, vectors=vectors, metadata={"k": 1})
    sync_index(alice.user, space)

    result = search.find_hits(
        "tea",
        reader=Reader(alice.user),
        cutoffs=search.Cutoffs(top_k=20, min_score=0),
        filters=search.Filters(metadata=MetadataFilter.parse({"k": 1})),
    )

    assert {hit.memory.pk for hit in result.hits} == {memory.pk for memory in left}


def test_a_deleted_memory_leaves_a_search_by_index_at_once(alice, space):
    memories = many(alice.user)
    sync_index(alice.user, space)
    Memory.objects.filter(pk__in=[memory.pk for memory in memories[:150]]).change_state(
        State.DELETED, by=alice.user
    )

    result = search.find_hits("tea", reader=Reader(alice.user), cutoffs=ALL)

    assert {hit.memory.pk for hit in result.hits} == {memory.pk for memory in memories[150:]}


def test_who_has_not_outgrown_exact_search_gets_no_index(alice, space):
    many(alice.user, LIMIT)

    assert sync_index(alice.user, space) == Outcome.NONE

    assert indexes() == {}
    assert not UserIndex.objects.exists()


def test_an_index_is_built_once_and_its_counts_made_anew(alice, space):
    many(alice.user)
    sync_index(alice.user, space)
    many(alice.user, 10)

    assert sync_index(alice.user, space) == Outcome.REFRESHED

    assert len(indexes()) == 1
    assert UserIndex.objects.get().memories == 260


def test_an_index_no_longer_needed_is_dropped(alice, space):
    memories = many(alice.user)
    sync_index(alice.user, space)
    Memory.objects.filter(pk__in=[memory.pk for memory in memories[75:]]).delete()
    assert sync_index(alice.user, space) == Outcome.REFRESHED

    Memory.objects.filter(pk__in=[memory.pk for memory in memories[50:]]).delete()
    assert sync_index(alice.user, space) == Outcome.DROPPED

    assert indexes() == {}
    assert found_by(alice.user) == "exact"


def test_what_a_failed_build_left_is_built_again(alice, space):
    many(alice.user)
    name = f"nearest_{alice.user.pk.hex}_{space.pk}"
    with connection.cursor() as cursor, pytest.raises(IntegrityError):
        cursor.execute(f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON memories_embedding (space_id)")
    assert indexes() == {name: False}

    assert sync_index(alice.user, space) == Outcome.BUILT

    assert indexes() == {name: True}
    assert found_by(alice.user) == "index"


def test_two_do_not_build_at_once(alice, space):
    many(alice.user)
    with psycopg.connect(connection.connection.info.dsn, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [Lock.USER_INDEXES])

        with pytest.raises(IndexingUnderway):
            sync_index(alice.user, space)
        with pytest.raises(CommandError, match="Another process"):
            command("--user", "alice")

    assert indexes() == {}


def test_an_index_can_be_dropped_though_it_is_needed(alice, space):
    many(alice.user)
    sync_index(alice.user, space)

    assert drop_index(alice.user, space) == Outcome.DROPPED
    assert drop_index(alice.user, space) == Outcome.NONE

    assert indexes() == {}
    assert found_by(alice.user) == "exact"


def test_what_deleted_users_leave_is_dropped(alice, bob, space):
    for member in (alice, bob):
        many(member.user)
        sync_index(member.user, space)
    gone = f"nearest_{bob.user.pk.hex}_{space.pk}"
    bob.user.delete()

    assert drop_leftovers() == [gone]

    assert list(indexes()) == [f"nearest_{alice.user.pk.hex}_{space.pk}"]


def test_the_command_sees_to_everybody(alice, bob, space):
    many(alice.user)
    many(bob.user, 10)

    assert command("--all") == f"alice in {space}: built\n"
    assert command("--all") == f"alice in {space}: refreshed\n"
    assert command("--all", "--drop") == f"alice in {space}: dropped\n"
    none = {"user_id": "alice", "space": str(space), "outcome": "no index"}
    reported = json.loads(command("--all", "--drop", "--json"))
    assert reported == {"ok": True, "indexes": [none], "leftovers_dropped": []}


def test_the_command_sees_to_one_user(alice, space):
    many(alice.user)

    assert command("--user", "alice") == f"alice in {space}: built\n"
    assert command("--user", "alice", "--drop") == f"alice in {space}: dropped\n"
    with pytest.raises(CommandError, match="no user 'nobody'"):
        command("--user", "nobody")


def test_who_outgrows_exact_search_gets_an_index_by_a_job(alice, monkeypatch):
    monkeypatch.setattr(user_index, "GROWTH_CHECK_INTERVAL", 1)
    many(alice.user, LIMIT - 1)
    alice.remember("Not one too many.")
    assert run_due() == 0

    alice.remember("One too many.")
    alice.remember("And another one.")

    [job] = alice.get("/jobs").json()["items"]
    assert (job["kind"], job["state"]) == ("index_vectors", "queued")
    assert run_due() == 1
    assert alice.get(f"/jobs/{job['id']}").json()["result"] == {"outcome": "built"}
    assert found_by(alice.user) == "index"


def test_an_index_is_looked_at_again_when_its_user_has_grown_by_half(alice, space, monkeypatch):
    monkeypatch.setattr(user_index, "GROWTH_CHECK_INTERVAL", 1)
    many(alice.user, 120)
    sync_index(alice.user, space)
    alice.remember("Not yet.")
    assert run_due() == 0
    many(alice.user, 59)

    alice.remember("Now.")

    assert run_due() == 1
    assert alice.get("/jobs").json()["items"][0]["result"] == {"outcome": "refreshed"}
    assert UserIndex.objects.get().memories == 181


def test_while_another_process_builds_the_job_waits(alice, monkeypatch):
    monkeypatch.setattr(user_index, "GROWTH_CHECK_INTERVAL", 1)
    many(alice.user)
    with psycopg.connect(connection.connection.info.dsn, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [Lock.USER_INDEXES])
        alice.remember("One too many.")

        assert run_due() == 1

    assert alice.get("/jobs").json()["items"][0]["state"] == "queued"
    assert indexes() == {}


def test_few_vectors_are_looked_at(alice, django_assert_num_queries):
    looked_at = Embedding(
        user=alice.user, space_id=1, memory_id=uuid.UUID(int=GROWTH_CHECK_INTERVAL)
    )
    others = [
        Embedding(memory_id=uuid.UUID(int=number)) for number in range(1, GROWTH_CHECK_INTERVAL)
    ]

    with django_assert_num_queries(0):
        check_growth(others)
    with django_assert_num_queries(1):
        check_growth([*others, looked_at])
