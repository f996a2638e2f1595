"""verify_log finds and names whatever was changed in the log, or in a memory past it."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from psycopg.types.json import Jsonb

from core import sql
from memories.change_log.chain_check import find_faults
from memories.change_log.run_name import name_run
from memories.lifecycle import purge
from memories.models import LogChain, LogLine, Memory

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

# Each column of the tables of the log, and the text of a memory.
COLUMNS = [
    *((model, field) for model in (LogLine, LogChain) for field in model._meta.concrete_fields),
    (Memory, Memory._meta.get_field("content")),
]


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
    kept = alice.with_key(app_name="desk").remember("The sea is far")
    with transaction.atomic():
        name_run(uuid.uuid4())
        Memory.objects.filter(pk=kept["id"]).update(metadata={"a": 1})
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

    assert verify() == (0, "The logs of 2 users are intact: 10 lines.\n")
    assert verify("bob") == (0, "The logs of 1 user are intact: 1 line.\n")


def test_the_result_as_json(logged):
    intact = json.loads(verify("--json")[1])
    with behind_its_back():
        sql.execute("UPDATE memories_logline SET kind = 'revised' WHERE sequence = 1")
    code, faulty = verify("--json")

    lines = LogLine.objects.of_user(logged.user).count()
    assert intact == {"ok": True, "users": 1, "lines": lines, "faults": {}}
    assert code == 1
    assert not json.loads(faulty)["ok"]
    assert json.loads(faulty)["faults"]["alice"]


def test_an_unknown_user_is_named():
    with pytest.raises(CommandError, match="There is no user 'nobody'"):
        call_command("verify_log", "nobody")


def test_any_flipped_byte_is_found_and_named(logged):
    tried = set()
    for seed in range(100):
        choice = random.Random(seed)
        # Each column at least twice.
        model, field = COLUMNS[seed % len(COLUMNS)]
        with transaction.atomic():
            with behind_its_back():
                row = flip(model, field, choice)
            faults = find_faults(logged.user.pk)
            transaction.set_rollback(True)
        assert faults, field
        tried.add(field)
        if model is Memory:
            assert row.pk in {fault.memory_id for fault in faults}
        elif model is LogChain:
            assert faults[0].code == "end"
        # A line whose own number was changed is named by what it says now.
        elif field.column not in ("sequence", "user_id"):
            assert row.sequence in {fault.sequence for fault in faults}, (field, faults)
    assert len(tried) == len(COLUMNS)


def flip(model, field, choice: random.Random):
    """Flip a bit of a column of a row, and return the row as it was before."""
    is_set = {f"{field.name}__isnull": False}
    row = choice.choice(list(model.objects.filter(**is_set).order_by("pk")))
    value, column, bit = getattr(row, field.attname), field.column, 1 << choice.randrange(8)
    if isinstance(value, uuid.UUID | memoryview | bytes):
        flipped = bytearray(value.bytes if isinstance(value, uuid.UUID) else value)
        flipped[choice.randrange(len(flipped))] ^= bit
        changed = (
            uuid.UUID(bytes=bytes(flipped)) if isinstance(value, uuid.UUID) else bytes(flipped)
        )
    elif isinstance(value, int):
        changed = value ^ (bit << choice.randrange(4, 24))  # no other row has this number
    elif isinstance(value, datetime):
        changed = value + timedelta(microseconds=bit << choice.randrange(24))
    elif isinstance(value, str):
        changed = flip_text(value, choice)
    else:
        name = choice.choice([name for name in ("content", "category") if name in value])
        changed = Jsonb({**value, name: flip_text(value[name], choice)})
    pk = model._meta.pk.column
    sql.execute(
        f"UPDATE {model._meta.db_table} SET {column} = %s WHERE {pk} = %s", [changed, row.pk]
    )
    return row


def flip_text(text: str, choice: random.Random) -> str:
    place = choice.randrange(len(text))
    return text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :]


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
