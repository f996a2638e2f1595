"""Members that contradict each other are rejected, and nothing is changed."""

import gzip
import json
import uuid

import pytest

from tests.backups.archive_factory import ENTITIES, LINES, MANIFEST, VECTORS, Original, Ours, zipped
from tests.backups.imports import rejection, send


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines[:-1],
        lambda lines: [*lines, lines[0]],
        lambda lines: [*lines[1:], {**lines[0], "id": str(uuid.uuid4())}],
        lambda lines: [*lines[1:], {**lines[0], "content": "Something else"}],
        lambda lines: [*lines[1:], {**lines[0], "state": "paused"}],
        lambda lines: [*lines[1:], {"id": lines[0]["id"]}],
        lambda lines: [*lines[1:], 5],
    ],
)
def test_lines_that_contradict_the_entities(change, alice):
    archive = Original("alice")
    text = "\n".join(json.dumps(line) for line in change(archive.lines()))
    rejection(alice, zipped({**archive.members(), LINES: gzip.compress(text.encode())}))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        gzip.compress(b"{", mtime=0)[:-4],
        gzip.compress(b"\xff\n", mtime=0),
        gzip.compress(b"{}", mtime=0) + b"x",
    ],
)
def test_lines_that_cannot_be_read(data, alice):
    detail = rejection(alice, zipped({**Original("alice").members(), LINES: data}))
    assert LINES in detail or "memories[0]" in detail
    assert "body" not in detail


@pytest.mark.parametrize("name", [ENTITIES, LINES, VECTORS])
def test_a_digest_that_does_not_match(name, alice):
    members = Ours("alice").members()
    changed = members[name] + b"\n"
    if name == LINES:
        changed = gzip.compress(gzip.decompress(members[name]), compresslevel=1, mtime=5)
    if name == VECTORS:
        changed = members[name][:16] + bytes(2) + members[name][16:18] + members[name][20:]
    detail = rejection(alice, zipped({**members, name: changed}))
    assert detail.startswith(f"{name}: ")


@pytest.mark.parametrize(
    "change",
    [
        {"format": "something-else"},
        {"version": 2},
        {"version": "1"},
        {"user": {"id": str(uuid.uuid4())}},
        {"user": {"user_id": "bob"}},
        {"counts": {"memories": 5}},
        {"counts": {"vectors": 0}},
        {"counts": {"memories": True}},
        {"members": {}},
        {"vectors": None},
        {"vectors": {"provider": "local", "model": "x", "dimensions": 0}},
        {"vectors": {"provider": "local", "model": "x", "dimensions": 385}},
    ],
)
def test_a_manifest_that_lies(change, alice):
    members = Ours("alice").members()
    manifest = json.loads(members[MANIFEST])
    for name, value in change.items():
        keeps_the_rest = name in ("user", "counts")
        manifest[name] = {**manifest[name], **value} if keeps_the_rest else value
    detail = rejection(alice, zipped({**members, MANIFEST: json.dumps(manifest).encode()}))
    assert detail.startswith((MANIFEST, VECTORS))


@pytest.mark.parametrize("name", ["memories", "revisions", "vectors"])
def test_a_manifest_that_leaves_out_a_count(name, alice):
    members = Ours("alice").members()
    manifest = json.loads(members[MANIFEST])
    del manifest["counts"][name]
    detail = rejection(alice, zipped({**members, MANIFEST: json.dumps(manifest).encode()}))
    assert detail == f"{MANIFEST}: There is no count of {name}."


def test_vectors_without_a_manifest_mean_nothing(alice):
    members = Ours("alice").members()
    del members[MANIFEST]
    assert rejection(alice, zipped(members)).startswith(f"{MANIFEST} is missing")


@pytest.mark.parametrize("first", [0.0, 2.0, float("nan"), float("inf"), -float("inf")])
def test_vectors_that_are_not_of_unit_length(first, alice):
    archive = Ours("alice")
    archive.vectors[archive.memories[2]["id"]][0] = first
    detail = rejection(alice, archive.zipped())
    assert detail == f"{VECTORS}: The vector of record 3 is not of unit length."


def test_a_vector_of_no_memory_and_two_of_one(alice):
    archive = Ours("alice")
    archive.vectors[str(uuid.uuid4())] = archive.vector()
    assert "Record 5" in rejection(alice, archive.zipped())

    archive = Ours("alice")
    archive.vectors[archive.memories[0]["id"].upper()] = archive.vector()
    assert "Record 5" in rejection(alice, archive.zipped())


def test_a_vector_that_is_cut_off(alice):
    archive = Ours("alice")
    members = archive.members()
    members[VECTORS] = members[VECTORS][:-1]
    del members[MANIFEST]
    members[MANIFEST] = json.dumps(archive.manifest(members)).encode()
    assert rejection(alice, zipped(members)) == f"{VECTORS}: The last record is truncated."


def test_two_rows_about_one_memory(alice, bob):
    archive = Original("bob")
    assert send(alice, archive.zipped()).status_code == 200
    derived = str(uuid.uuid5(alice.user.pk, archive.memories[0]["id"]))
    archive.entities["memories"].append({**archive.memories[0], "id": derived, "category_ids": []})
    assert "about the same memory" in rejection(alice, archive.zipped())
