"""Invalid rows are rejected with their line."""

import gzip
import json
import uuid

import pytest

from tests.backups.archive_factory import ENTITIES, LINES, Original, Ours, zipped
from tests.backups.imports import rejection


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"", 1),
        (b"[]", 1),
        (b'{\n"user": \xff}', 2),
        (b'{\n"memories":\n[{]}', 3),
        (b'{"memories": [{"a": NaN}]}', 1),
        (b'{"memories": [{"a": 1e999}]}', 1),
        (b'{"memories": [' + b"[" * 100_000, 1),
        (b'{"memories": [{"a": ' + b"[" * 40 + b"]" * 40 + b"}]}", 1),
        (b'{"memories": [\n{"content": "\\u0000"}]}', 2),
        (b'{"memories": [{"content": "\\ud800"}]}', 1),
        (b'{"memories": [],\n"memories": []}', 2),
        (b'{"memories": [] "apps": []}', 1),
        (b'{"memories": {}}', 1),
        (b'{"user": {}} x', 1),
        (b'{"user": {}', 1),
        (b"{1: 2}", 1),
        (b'{"user":\n[{"id": "0b7290a4-93a1-4a3c-8f0f-6a2f6f1b7f10", "user_id": "alice"}]}', 2),
    ],
)
def test_what_is_no_json_as_it_is_read_here(text, line, alice):
    detail = rejection(alice, zipped({**Original("alice").members(), ENTITIES: text}))
    assert detail.startswith(f"{ENTITIES}, line {line}: ")


def test_rows_of_no_known_shape(alice):
    for value in (None, 1, "x", [], [1]):
        original = Original("alice")
        original.entities["memories"][1] = value
        lines = gzip.compress(b"")
        members = {ENTITIES: json.dumps(original.entities).encode(), LINES: lines}
        detail = rejection(alice, zipped(members))
        assert detail.startswith(f"{ENTITIES}, line 1: Expected `object`")


# The same in every process that runs tests: it is in the names of tests.
NOBODY = "8a7d3b1e-52c4-4f0b-9f5e-6f2c1d0b9a77"

WRONG = [
    ("memories", "id", "nothing"),
    ("memories", "id", 5),
    ("memories", "content", None),
    ("memories", "content", 5),
    ("memories", "content", ""),
    ("memories", "content", "\u200b\n\ufeff"),
    ("memories", "content", "x" * 32_769),
    ("memories", "metadata", []),
    ("memories", "metadata", {"a": "x" * 16_384}),
    ("memories", "state", "lost"),
    ("memories", "state", None),
    ("memories", "created_at", None),
    ("memories", "created_at", 1718496000),
    ("memories", "created_at", "2024-06-16T00:00:00"),
    ("memories", "created_at", "1066-10-14T00:00:00+00:00"),
    ("memories", "updated_at", "9999-12-31T23:59:59+00:00"),
    ("memories", "updated_at", "2024-13-01T00:00:00+00:00"),
    ("memories", "app_id", NOBODY),
    ("memories", "user_id", NOBODY),
    ("memories", "category_ids", "x"),
    ("memories", "category_ids", [NOBODY]),
    ("memories", "superseded_by", NOBODY),
    ("apps", "name", ""),
    ("apps", "name", "x" * 256),
    ("apps", "name", "\u3164"),
    ("apps", "is_active", "yes"),
    ("apps", "owner_id", NOBODY),
    ("apps", "metadata", "x"),
    ("categories", "name", None),
    ("categories", "name", "x" * 101),
    ("categories", "name", "work,play"),
    ("memory_categories", "memory_id", NOBODY),
    ("memory_categories", "category_id", NOBODY),
    ("status_history", "memory_id", NOBODY),
    ("status_history", "new_state", "lost"),
    ("status_history", "changed_at", "soon"),
    ("status_history", "reason", "x" * 256),
    ("access_controls", "subject_id", NOBODY),
    ("access_controls", "subject_id", None),
    ("access_controls", "effect", "perhaps"),
    ("revisions", "memory_id", NOBODY),
    ("revisions", "content", "x" * 32_769),
]


@pytest.mark.parametrize(("entity", "field", "value"), WRONG)
def test_a_wrong_field_is_named_with_its_line(entity, field, value, alice):
    archive = Ours("alice")
    archive.rule("deny", archive.memories[0]["id"])
    archive.entities[entity][-1][field] = value

    detail = rejection(alice, archive.zipped())

    line = before_last_of(archive.members()[ENTITIES].decode(), archive, entity)
    assert detail.startswith(f"{ENTITIES}, line {line}: ")
    assert not detail.endswith("..")


def before_last_of(text: str, archive: Ours, entity: str) -> int:
    """The line that the last row of a list begins on."""
    last = json.dumps({entity: archive.entities[entity]}, indent=2)
    start = text.index(f'  "{entity}": [')
    rows = text[start : start + len(last)].split("\n    {")
    return text[:start].count("\n") + "\n    {".join(rows[:-1]).count("\n") + 2


@pytest.mark.parametrize(
    ("entity", "field"),
    [
        ("memories", "id"),
        ("apps", "id"),
        ("apps", "name"),
        ("categories", "id"),
        ("categories", "name"),
        ("status_history", "id"),
        ("access_controls", "id"),
        ("revisions", "id"),
    ],
)
def test_what_stands_there_twice(entity, field, alice):
    archive = Ours("alice")
    archive.rule("deny")
    again = {**archive.entities[entity][0], "id": str(uuid.uuid4()), "name": "another"}
    again[field] = archive.entities[entity][0][field]
    archive.entities[entity].append(again)

    detail = rejection(alice, archive.zipped())

    assert f"{entity}[{len(archive.entities[entity]) - 1}]" in detail


def test_a_category_that_a_memory_is_in_twice(alice):
    archive = Original("alice")
    archive.entities["memory_categories"].append(archive.entities["memory_categories"][0])
    assert "memory_categories[2]" in rejection(alice, archive.zipped())


def test_a_category_that_only_one_of_two_lists_names(alice):
    archive = Original("alice")
    archive.memories[0]["category_ids"] = []
    assert "memory_categories[0]" in rejection(alice, archive.zipped())

    archive = Original("alice")
    archive.memories[2]["category_ids"] = [archive.category]
    assert "memories[2]" in rejection(alice, archive.zipped())


def test_a_live_memory_that_was_superseded(alice):
    archive = Ours("alice")
    archive.memories[0]["superseded_by"] = archive.memories[1]["id"]
    assert "memories[0]" in rejection(alice, archive.zipped())

    archive = Ours("alice")
    archive.memories[3]["superseded_by"] = archive.memories[3]["id"]
    assert "by itself" in rejection(alice, archive.zipped())


def test_an_archive_without_its_user(alice):
    archive = Original("alice")
    del archive.entities["user"]
    assert rejection(alice, archive.zipped()) == f"{ENTITIES}: `user` is missing."
