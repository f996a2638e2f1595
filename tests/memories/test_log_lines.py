"""The log: one line for each change of a memory, whatever makes it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from core import sql
from memories.change_log.chain_check import find_faults
from memories.lifecycle import purge
from memories.models import LogChain, LogLine, Memory, State

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def kinds(member):
    lines = LogLine.objects.of_user(member.user).after(0)
    assert [line.sequence for line in lines] == list(range(1, len(lines) + 1))
    return [line.kind for line in lines]


def test_each_change_is_one_line(alice):
    memory = alice.remember("Rex is a dog")
    path = f"/memories/{memory['id']}"

    alice.patch(path, {"text": "Rex is an old dog", "categories": ["pets", "age"]})
    alice.patch(path, {"metadata": {"source": "chat"}})
    alice.patch(path, {"categories": ["pets"]})
    alice.post("/memories/actions/pause", {"memory_ids": [memory["id"]], "state": "paused"})

    assert kinds(alice) == ["stored", "revised", "metadata", "categories", "state"]
    lines = LogLine.objects.of_user(alice.user).after(0)
    assert {(line.by_id, line.key_id) for line in lines} == {(alice.user.pk, alice.key.pk)}


def test_what_changes_nothing_is_no_line(alice):
    memory = alice.remember("Rex is a dog")

    alice.patch(f"/memories/{memory['id']}", {"text": "Rex is a dog"})
    alice.get(f"/memories/{memory['id']}")
    Memory.objects.filter(pk=memory["id"]).update(state=State.ACTIVE)

    assert kinds(alice) == ["stored"]


def test_a_change_past_the_server_is_a_line_too(alice):
    memory = alice.remember("Rex is a dog")

    sql.execute("UPDATE memories_memory SET content = 'Rex is a cat' WHERE id = %s", [memory["id"]])

    assert kinds(alice) == ["stored", "revised"]
    line = LogLine.objects.get(kind="revised")
    assert line.snapshot["content"] == "Rex is a cat"
    assert line.by_id is None


def test_what_is_rolled_back_is_no_line(alice):
    memory = alice.remember("Rex is a dog")

    with transaction.atomic():
        Memory.objects.filter(pk=memory["id"]).update(content="Rex is a cat")
        transaction.set_rollback(True)

    assert kinds(alice) == ["stored"]


def test_purging_takes_the_content_and_its_salt(alice):
    memory = alice.remember("Rex is a dog")
    other = alice.remember("Tea is green")
    alice.patch(f"/memories/{memory['id']}", {"text": "Rex is an old dog"})

    with transaction.atomic():
        purge.purge([memory["id"]])

    lines = LogLine.objects.of_user(alice.user).after(0)
    assert [line.kind for line in lines] == ["stored", "stored", "revised", "purged"]
    kept = [line for line in lines if line.snapshot or line.salt]
    assert [str(line.memory_id) for line in kept] == [other["id"]]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE memories_logline SET kind = 'state'",
        "UPDATE memories_logline SET salt = NULL, snapshot = NULL, at = now()",
        "UPDATE memories_logline SET salt = NULL",
        "DELETE FROM memories_logline",
        "INSERT INTO memories_logline SELECT * FROM memories_logline",
        "UPDATE memories_logchain SET sequence = 0",
    ],
)
def test_lines_are_neither_changed_nor_deleted(alice, statement):
    alice.remember("Rex is a dog")

    with pytest.raises(IntegrityError, match="append-only"):
        sql.execute(statement)


def test_users_have_logs_of_their_own(alice, bob):
    alice.remember("Rex is a dog")
    bob.remember("Tea is green")
    alice.remember("Rex likes tea")

    assert (kinds(alice), kinds(bob)) == (["stored", "stored"], ["stored"])
    first, second = LogLine.objects.of_user(alice.user).after(0)
    assert bytes(first.previous_hash) == bytes(32)
    assert bytes(second.previous_hash) == bytes(first.hash)


def test_memories_of_a_release_without_a_log_are_known(alice):
    memory = alice.remember("Rex is a dog")
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE memories_logline, memories_logchain")

    alice.patch(f"/memories/{memory['id']}", {"text": "Rex is an old dog"})

    assert kinds(alice) == ["known"]


def test_a_line_says_until_when_it_holds(alice):
    memory = alice.remember("Rex is a dog", timestamp=1_700_000_000)
    alice.patch(f"/memories/{memory['id']}", {"text": "Rex is an old dog"})
    other = alice.remember("Tea is green")
    alice.delete(f"/memories/{other['id']}")
    with transaction.atomic():
        purge.purge([other["id"]])

    stored, revised, *rest = LogLine.objects.of_user(alice.user).after(0)
    assert (stored.until, revised.until) == (revised.at, None)
    assert {line.said_at.timestamp() for line in (stored, revised)} == {1_700_000_000}
    assert [line.until for line in rest] == [line.at for line in rest[1:]] + [None]
    assert {line.said_at for line in rest} == {None}


def test_lines_of_one_transaction_have_one_time(alice, bob):
    stored = [member.remember(text) for member in (alice, bob) for text in ("Rex", "Tea")]

    with transaction.atomic():
        for memory in stored:
            Memory.objects.filter(pk=memory["id"]).update(content="changed")

    for member in (alice, bob):
        lines = LogLine.objects.of_user(member.user).after(2)
        assert [line.kind for line in lines] == ["revised", "revised"]
        assert len({line.at for line in lines}) == 1
        chain = LogChain.objects.get(user=member.user)
        assert (chain.sequence, bytes(chain.hash)) == (4, bytes(lines[1].hash))


def test_two_changes_of_the_same_users_in_opposite_order_do_not_deadlock(alice, bob):
    """Each waits for the log of a user only at the end, and for all users in the same order."""
    ids = [[member.remember(text)["id"] for member in (alice, bob)] for text in ("Rex", "Tea")]
    barrier = threading.Barrier(2, timeout=60)

    def change(memory_ids):
        try:
            with transaction.atomic():
                for memory_id in memory_ids:
                    Memory.objects.filter(pk=memory_id).update(content="changed")
                barrier.wait()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(change, [ids[0], ids[1][::-1]]))

    assert (kinds(alice), kinds(bob)) == (["stored", "stored", "revised", "revised"],) * 2


def test_a_reading_is_a_line_where_the_settings_say_so(alice, settings):
    ids = [alice.remember(text)["id"] for text in ("Rex is a dog", "Tea is green")]
    then = timezone.now().isoformat()
    alice.post("/memories/search", {"query": "dog"})
    settings.LOG_READINGS = True
    desk = alice.with_key(app_name="desk")
    alice.post("/memories/search", {"query": "dog", "min_score": 0})
    desk.get("/memories")

    lines = alice.get("/log", {"kind": "read"}).json()["items"]
    assert [line["memory_id"] for line in lines] == [None, None]
    notes = [{**line["note"], "memories": set(line["note"]["memories"])} for line in lines]
    assert notes == [
        {"memories": set(ids), "app": None, "access": "search"},
        {"memories": set(ids), "app": "desk", "access": "list"},
    ]
    assert alice.post(f"/log/{lines[0]['sequence']}/undo").json()["code"] == "not_undoable"
    assert alice.get("/memories", {"as_of": then}).json()["total"] == 2
    assert find_faults(alice.user.pk) == []
