"""Whatever is wrong with an archive: it is refused, says where, and nothing has changed."""

import gzip
import io
import json
import stat
import struct
import uuid
import zipfile

import pytest

from backups.archive import limits
from tests.backups.importing import kept, send
from tests.backups.made import (
    ENTITIES,
    LINES,
    MANIFEST,
    VECTORS,
    Original,
    Ours,
    zipped,
)

MEGABYTE = 1024 * 1024


def refused(alice, archive: bytes, status: int = 400) -> str:
    """Why, after it was made sure that nothing has changed."""
    before = kept()
    answer = send(alice, archive)
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == ("bad_archive" if status == 400 else "archive_too_large")
    assert kept() == before
    return answer.json()["detail"]


# --- The ZIP -------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"hello", b"PK", b"PK\5\6" + bytes(18), bytes(100_000)])
def test_what_is_no_zip(data, alice):
    assert "ZIP" in refused(alice, data) or "missing" in refused(alice, data)


@pytest.mark.parametrize("kind", [Original, Ours])
def test_an_archive_that_was_cut_off_anywhere(kind, alice):
    archive = kind("alice").zipped()

    for share in range(7, 100, 7):
        refused(alice, archive[: len(archive) * share // 100])
    refused(alice, archive[:-1])


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../memories.json", "a/../../b", "..", "C:/x", "a\\b", "\\\\host\\x"]
)
def test_names_that_lead_out_of_the_archive(name, alice):
    detail = refused(alice, zipped({**Original("alice").members(), name: b"x"}))
    assert "leads out of the archive" in detail
    assert name in detail


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_is_there_twice(alice):
    target = io.BytesIO(Original("alice").zipped())
    with zipfile.ZipFile(target, "a") as archive:
        archive.writestr(ENTITIES, b"{}")
    assert "two members" in refused(alice, target.getvalue())

    members = Original("alice").members()
    assert "twice" in refused(alice, zipped({**members, f"other/{ENTITIES}": b"{}"}))


def test_links_and_devices(alice):
    target = io.BytesIO(Original("alice").zipped())
    with zipfile.ZipFile(target, "a") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    assert refused(alice, target.getvalue()).startswith("link: This is a link")


def test_encrypted_members(alice):
    archive = bytearray(Original("alice").zipped())
    directory = archive.index(b"PK\1\2")
    archive[directory + 8] |= 1
    assert refused(alice, bytes(archive)).startswith(f"{ENTITIES}: This is encrypted")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, 99])
def test_members_compressed_in_another_way(method, alice):
    archive = bytearray(Original("alice").zipped())
    directory = archive.index(b"PK\1\2")
    archive[directory + 10 : directory + 12] = struct.pack("<H", method)
    assert refused(alice, bytes(archive)).startswith(f"{ENTITIES}: This is compressed")


@pytest.mark.parametrize("name", [ENTITIES, LINES])
def test_a_member_that_is_missing(name, alice):
    members = Original("alice").members()
    del members[name]
    assert refused(alice, zipped(members)) == f"{name} is missing in this archive."


def test_too_many_members(alice):
    many = {f"file{number}": b"" for number in range(limits.MOST_MEMBERS)}
    assert "members" in refused(alice, zipped({**Original("alice").members(), **many}), 413)


def test_a_directory_without_end(alice):
    archive = bytearray(Original("alice").zipped())
    end = archive.rindex(b"PK\5\6")
    start = struct.unpack("<I", archive[end + 16 : end + 20])[0]
    archive[end:end] = bytes(2 * MEGABYTE)
    end += 2 * MEGABYTE
    archive[end + 12 : end + 16] = struct.pack("<I", end - start)
    assert "directory" in refused(alice, bytes(archive), 413)


def test_a_flipped_bit_is_noticed(alice):
    archive = Ours("alice").zipped()
    for at in range(100, len(archive) - 100, len(archive) // 11):
        broken = bytearray(archive)
        broken[at] ^= 4
        before = kept()
        answer = send(alice, bytes(broken))
        # A bit in what nobody reads, such as the date of a member, changes nothing.
        assert answer.status_code == 400 or kept() != before
        if answer.status_code == 400:
            assert kept() == before


# --- Bombs ---------------------------------------------------------------------------------


def test_a_member_that_unpacks_to_far_more_than_it_is(alice):
    spaces = {**Original("alice").members(), ENTITIES: b" " * (64 * MEGABYTE)}
    assert refused(alice, zipped(spaces), 413).startswith(f"{ENTITIES}: It unpacks to")


def test_lines_that_unpack_to_far_more_than_they_are(alice, monkeypatch):
    monkeypatch.setattr(limits, "FREELY_UNPACKED", MEGABYTE)
    line = json.dumps(Original("alice").lines()[0]).encode() + b"\n"
    lines = gzip.compress(line * (8 * MEGABYTE // len(line)))
    members = {**Original("alice").members(), LINES: lines}
    assert LINES in refused(alice, zipped(members), 413)


def test_a_header_that_lies_about_a_size(alice):
    archive = bytearray(zipped({**Original("alice").members(), ENTITIES: b" " * MEGABYTE}))
    directory = archive.index(b"PK\1\2")
    archive[directory + 24 : directory + 28] = struct.pack("<I", 10)
    refused(alice, bytes(archive))


def test_more_than_is_unpacked_at_all(settings, alice):
    settings.IMPORT_MAX_UNPACKED_BYTES = 2000
    assert "2000 bytes" in refused(alice, Original("alice").zipped(), 413)


def test_a_line_that_does_not_end(alice):
    noise = json.dumps({"id": uuid.uuid4().hex * (limits.LONGEST_ROW // 32 + 1)}).encode()
    members = {**Original("alice").members(), LINES: gzip.compress(noise)}
    detail = refused(alice, zipped(members), 413)
    assert detail.startswith(f"{LINES}, line 1: This is longer than")


def test_an_entity_that_does_not_end(alice):
    original = Original("alice")
    original.memories[1]["content"] = "x" * (limits.LONGEST_ROW + 1)
    assert refused(alice, original.zipped(), 413).startswith(f"{ENTITIES}, line 50: ")


def test_a_million_categories(alice, monkeypatch):
    monkeypatch.setattr(limits, "MOST_CATEGORIES", 50)
    original = Original("alice")
    original.entities["categories"] = [
        {**original.entities["categories"][0], "id": str(uuid.uuid4()), "name": f"c{number}"}
        for number in range(51)
    ]
    assert "more than 50 categories" in refused(alice, original.zipped(), 413)


def test_an_upload_over_the_bound_is_not_read(alice, monkeypatch):
    from backups.views import ImportViewSet

    monkeypatch.setattr(ImportViewSet, "max_body_bytes", 1000)
    answer = send(alice, bytes(2000))
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


# --- The JSON ------------------------------------------------------------------------------


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
    ],
)
def test_what_is_no_json_as_it_is_read_here(text, line, alice):
    detail = refused(alice, zipped({**Original("alice").members(), ENTITIES: text}))
    assert detail.startswith(f"{ENTITIES}, line {line}: ")


def test_rows_of_no_known_shape(alice):
    for value in (None, 1, "x", [], [1]):
        original = Original("alice")
        original.entities["memories"][1] = value
        lines = gzip.compress(b"")
        members = {ENTITIES: json.dumps(original.entities).encode(), LINES: lines}
        detail = refused(alice, zipped(members))
        assert detail.startswith(f"{ENTITIES}, line 1: Expected `object`")


WRONG = [
    ("memories", "id", "nothing"),
    ("memories", "id", 5),
    ("memories", "content", None),
    ("memories", "content", 5),
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
    ("memories", "app_id", str(uuid.uuid4())),
    ("memories", "user_id", str(uuid.uuid4())),
    ("memories", "category_ids", "x"),
    ("memories", "category_ids", [str(uuid.uuid4())]),
    ("memories", "superseded_by", str(uuid.uuid4())),
    ("apps", "name", ""),
    ("apps", "name", "x" * 256),
    ("apps", "is_active", "yes"),
    ("apps", "owner_id", str(uuid.uuid4())),
    ("apps", "metadata", "x"),
    ("categories", "name", None),
    ("categories", "name", "x" * 101),
    ("memory_categories", "memory_id", str(uuid.uuid4())),
    ("memory_categories", "category_id", str(uuid.uuid4())),
    ("status_history", "memory_id", str(uuid.uuid4())),
    ("status_history", "new_state", "lost"),
    ("status_history", "changed_at", "soon"),
    ("status_history", "reason", "x" * 256),
    ("access_controls", "subject_id", str(uuid.uuid4())),
    ("access_controls", "subject_id", None),
    ("access_controls", "effect", "perhaps"),
    ("revisions", "memory_id", str(uuid.uuid4())),
    ("revisions", "content", "x" * 32_769),
]


@pytest.mark.parametrize(("entity", "field", "value"), WRONG)
def test_a_wrong_field_is_named_with_its_line(entity, field, value, alice):
    archive = Ours("alice")
    archive.rule("deny", archive.memories[0]["id"])
    archive.entities[entity][-1][field] = value

    detail = refused(alice, archive.zipped())

    line = before_last_of(archive.members()[ENTITIES].decode(), archive, entity)
    assert detail.startswith(f"{ENTITIES}, line {line}: ")


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

    detail = refused(alice, archive.zipped())

    assert f"{entity}[{len(archive.entities[entity]) - 1}]" in detail


def test_a_category_that_a_memory_is_in_twice(alice):
    archive = Original("alice")
    archive.entities["memory_categories"].append(archive.entities["memory_categories"][0])
    assert "memory_categories[2]" in refused(alice, archive.zipped())


def test_a_category_that_only_one_of_two_lists_names(alice):
    archive = Original("alice")
    archive.memories[0]["category_ids"] = []
    assert "memory_categories[0]" in refused(alice, archive.zipped())

    archive = Original("alice")
    archive.memories[2]["category_ids"] = [archive.category]
    assert "memories[2]" in refused(alice, archive.zipped())


def test_a_live_memory_that_was_superseded(alice):
    archive = Ours("alice")
    archive.memories[0]["superseded_by"] = archive.memories[1]["id"]
    assert "memories[0]" in refused(alice, archive.zipped())

    archive = Ours("alice")
    archive.memories[3]["superseded_by"] = archive.memories[3]["id"]
    assert "by itself" in refused(alice, archive.zipped())


def test_an_archive_without_its_user(alice):
    archive = Original("alice")
    del archive.entities["user"]
    assert refused(alice, archive.zipped()) == f"{ENTITIES}: `user` is missing."


# --- The other members ---------------------------------------------------------------------


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
    refused(alice, zipped({**archive.members(), LINES: gzip.compress(text.encode())}))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        gzip.compress(b"{")[:-4],
        gzip.compress(b"\xff\n"),
        gzip.compress(b"{}") + b"x",
    ],
)
def test_lines_that_cannot_be_read(data, alice):
    detail = refused(alice, zipped({**Original("alice").members(), LINES: data}))
    assert LINES in detail or "memories[0]" in detail


@pytest.mark.parametrize("name", [ENTITIES, LINES, VECTORS])
def test_a_digest_that_does_not_match(name, alice):
    members = Ours("alice").members()
    changed = members[name] + b"\n"
    if name == LINES:
        changed = gzip.compress(gzip.decompress(members[name]), compresslevel=1, mtime=5)
    if name == VECTORS:
        changed = members[name][:16] + bytes(2) + members[name][16:18] + members[name][20:]
    detail = refused(alice, zipped({**members, name: changed}))
    assert detail.startswith(f"{name}: ")


@pytest.mark.parametrize(
    "change",
    [
        {"format": "something-else"},
        {"version": 2},
        {"version": "1"},
        {"user": {"id": str(uuid.uuid4()), "user_id": "alice"}},
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
    manifest = {**json.loads(members[MANIFEST]), **change}
    detail = refused(alice, zipped({**members, MANIFEST: json.dumps(manifest).encode()}))
    assert detail.startswith((MANIFEST, VECTORS))


def test_vectors_without_a_manifest_mean_nothing(alice):
    members = Ours("alice").members()
    del members[MANIFEST]
    assert refused(alice, zipped(members)).startswith(f"{MANIFEST} is missing")


@pytest.mark.parametrize("first", [0.0, 2.0, float("nan"), float("inf"), -float("inf")])
def test_vectors_that_are_not_of_unit_length(first, alice):
    archive = Ours("alice")
    archive.vectors[archive.memories[2]["id"]][0] = first
    detail = refused(alice, archive.zipped())
    assert detail == f"{VECTORS}: The vector of record 3 is not of unit length."


def test_a_vector_of_no_memory_and_two_of_one(alice):
    archive = Ours("alice")
    archive.vectors[str(uuid.uuid4())] = archive.vector()
    assert "Record 5" in refused(alice, archive.zipped())

    archive = Ours("alice")
    archive.vectors[archive.memories[0]["id"].upper()] = archive.vector()
    assert "Record 5" in refused(alice, archive.zipped())


def test_a_vector_that_is_cut_off(alice):
    archive = Ours("alice")
    members = archive.members()
    members[VECTORS] = members[VECTORS][:-1]
    del members[MANIFEST]
    members[MANIFEST] = json.dumps(archive.manifest(members)).encode()
    assert refused(alice, zipped(members)) == f"{VECTORS}: The last record is cut off."


def test_two_rows_about_one_memory(alice, bob):
    archive = Original("bob")
    assert send(alice, archive.zipped()).status_code == 200
    derived = str(uuid.uuid5(alice.user.pk, archive.memories[0]["id"]))
    archive.entities["memories"].append({**archive.memories[0], "id": derived, "category_ids": []})
    assert "about the same memory" in refused(alice, archive.zipped())
