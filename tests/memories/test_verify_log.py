"""verify_log finds and names whatever was changed in the log, or in a memory past it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from core import sql
from memories.change_log.chain_check import find_faults
from memories.lifecycle import purge
from memories.models import LogLine

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

BINARY = ["salt", "content_hash", "previous_hash", "hash"]
NUMBERS = ["id", "sequence", "last_state_change", "last_revision"]
IDS = ["user_id", "memory_id", "by_id", "key_id"]


@contextmanager
def behind_its_back() -> Iterator[None]:
    """Change tables as somebody does who can switch triggers off."""
    tables = ["memories_logline", "memories_logchain", "memories_memory", "memories_categorization"]
    for table in tables:
        sql.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    try:
        yield
    finally:
        for table in tables:
            sql.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


@pytest.fixture
def logged(alice):
    """A log with each kind of line."""
    memory = alice.remember("Rex is a dog")
    path = f"/memories/{memory['id']}"
    alice.patch(path, {"text": "Rex is an old dog", "metadata": {"breed": {"name": "collie"}}})
    alice.patch(path, {"categories": ["pets", "age"]})
    gone = alice.remember("Tea is green")
    alice.remember("Ana plays the piano", actor="Ana")
    alice.delete(f"/memories/{gone['id']}")
    with transaction.atomic():
        purge.purge([gone["id"]])
    assert find_faults(alice.user.pk) == []
    return alice


def verify(*arguments):
    output = StringIO()
    try:
        call_command("verify_log", *arguments, stdout=output, no_color=True)
    except SystemExit as exit_request:
        return exit_request.code, output.getvalue()
    return 0, output.getvalue()


def test_an_intact_log_is_told(logged, bob):
    bob.remember("Bo likes tea")

    assert verify() == (0, "The logs of 2 users are intact: 8 lines.\n")
    assert verify("bob") == (0, "The logs of 1 user are intact: 1 line.\n")


def test_the_result_as_json(logged):
    intact = json.loads(verify("--json")[1])
    with behind_its_back():
        change(LogLine.objects.of_user(logged.user).get(sequence=1), "kind", "revised")
    code, faulty = verify("--json")

    assert intact == {"ok": True, "users": 1, "lines": 7, "faults": {}}
    assert code == 1
    assert not json.loads(faulty)["ok"]
    assert json.loads(faulty)["faults"]["alice"]


def test_an_unknown_user_is_named():
    with pytest.raises(CommandError, match="There is no user 'nobody'"):
        call_command("verify_log", "nobody")


def test_any_flipped_byte_is_found_and_named(logged):
    lines = [line for line in LogLine.objects.of_user(logged.user).after(0) if line.snapshot]
    for seed in range(100):
        choice = random.Random(seed)
        line = choice.choice(lines)
        column = choice.choice([*BINARY, *NUMBERS, *IDS, "snapshot", "at", "kind", "content"])
        with transaction.atomic():
            with behind_its_back():
                flip(line, column, choice)
            faults = find_faults(logged.user.pk)
            transaction.set_rollback(True)
        assert faults, column
        if column == "content":
            assert line.memory_id in {fault.memory_id for fault in faults}
        # A line whose own number was changed is named by what it says now.
        elif column not in ("sequence", "user_id"):
            assert line.sequence in {fault.sequence for fault in faults}, (column, faults)


def flip(line: LogLine, column: str, choice: random.Random) -> None:
    bit = 1 << choice.randrange(8)
    if column in BINARY:
        flipped = bytearray(getattr(line, column))
        flipped[choice.randrange(len(flipped))] ^= bit
        change(line, column, bytes(flipped))
    elif column in NUMBERS:
        change(line, column, getattr(line, column) ^ (bit << choice.randrange(24)))
    elif column in IDS:
        flipped = bytearray(getattr(line, column).bytes)
        flipped[choice.randrange(16)] ^= bit
        change(line, column, flipped.hex())
    elif column == "content":
        sql.execute(
            "UPDATE memories_memory SET content = overlay(content placing 'X' from %s for 1)"
            " WHERE id = %s",
            [choice.randrange(1, 8), line.memory_id],
        )
    else:
        value = {
            "snapshot": "jsonb_set(snapshot, '{content}', to_jsonb(snapshot ->> 'content' || 'x'))",
            "at": "at + '1 microsecond'",
            "kind": "overlay(kind placing 'x' from 2 for 1)",
        }[column]
        sql.execute(f"UPDATE memories_logline SET {column} = {value} WHERE id = %s", [line.pk])


def change(line: LogLine, column: str, value: object) -> None:
    sql.execute(f"UPDATE memories_logline SET {column} = %s WHERE id = %s", [value, line.pk])


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("DELETE FROM memories_logline WHERE sequence = 2", "lines before it are missing"),
        ("DELETE FROM memories_logline WHERE sequence = 1", "line 2"),
        ("DELETE FROM memories_logline WHERE sequence = 3", "changed, or is gone, without a line"),
        ("UPDATE memories_logline SET salt = NULL, snapshot = NULL WHERE sequence = 2", "line 2"),
        ("UPDATE memories_memory SET metadata = '{}'", "without a line"),
        ("UPDATE memories_memory SET state = 'archived'", "without a line"),
        ("DELETE FROM memories_categorization", "without a line"),
        ("DELETE FROM memories_logline", "has no line"),
        ("DELETE FROM memories_logline WHERE sequence > 5", "lines after it are missing"),
        ("UPDATE memories_logchain SET at = now()", "lines after it are missing"),
        ("UPDATE memories_logline SET until = now() WHERE sequence = 2", "line 2"),
        ("UPDATE memories_logline SET said_at = now() WHERE sequence = 2", "line 2"),
    ],
)
def test_what_was_done_past_the_log_is_named(logged, statement, finding):
    with behind_its_back():
        sql.execute(statement)

    code, output = verify("alice")

    assert code == 1
    assert finding in output


def test_a_reading_of_one_moment_beside_a_writer(logged):
    """A change that has not been committed is in neither the memory nor the log."""
    with transaction.atomic():
        memory_id = LogLine.objects.of_user(logged.user).first().memory_id
        sql.execute("UPDATE memories_memory SET content = 'x' WHERE id = %s", [memory_id])
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        assert find_faults(logged.user.pk) == []
