"""Broken and malicious ZIPs are rejected, and nothing is changed."""

import gzip
import io
import json
import stat
import struct
import uuid
import zipfile

import pytest

from backups.archive import limits
from tests.backups.archive_factory import ENTITIES, LINES, MANIFEST, Original, Ours, zipped
from tests.backups.imports import all_rows, imported, rejection, send

MEGABYTE = 1024 * 1024


@pytest.mark.parametrize("data", [b"hello", b"PK", b"PK\5\6" + bytes(18), bytes(100_000)])
def test_what_is_no_zip(data, alice):
    assert "ZIP" in rejection(alice, data) or "missing" in rejection(alice, data)


@pytest.mark.parametrize("kind", [Original, Ours])
def test_an_archive_that_was_cut_off_anywhere(kind, alice):
    archive = kind("alice").zipped()

    for share in range(7, 100, 7):
        rejection(alice, archive[: len(archive) * share // 100])
    rejection(alice, archive[:-1])


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../memories.json", "a/../../b", "..", "C:/x", "a\\b", "\\\\host\\x"]
)
def test_names_that_lead_out_of_the_archive(name, alice):
    detail = rejection(alice, zipped({**Original("alice").members(), name: b"x"}))
    assert "points outside the archive" in detail
    assert name in detail


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_is_there_twice(alice):
    target = io.BytesIO(Original("alice").zipped())
    with zipfile.ZipFile(target, "a") as archive:
        archive.writestr(ENTITIES, b"{}")
    assert "Two members" in rejection(alice, target.getvalue())

    members = Original("alice").members()
    assert "twice" in rejection(alice, zipped({**members, f"other/{ENTITIES}": b"{}"}))


def test_links_and_devices(alice):
    target = io.BytesIO(Original("alice").zipped())
    with zipfile.ZipFile(target, "a") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    assert rejection(alice, target.getvalue()).startswith("link: The member is a link")


def test_encrypted_members(alice):
    archive = bytearray(Original("alice").zipped())
    directory = archive.index(b"PK\1\2")
    archive[directory + 8] |= 1
    assert rejection(alice, bytes(archive)).startswith(f"{ENTITIES}: The member is encrypted")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, 99])
def test_members_compressed_in_another_way(method, alice):
    archive = bytearray(Original("alice").zipped())
    directory = archive.index(b"PK\1\2")
    archive[directory + 10 : directory + 12] = struct.pack("<H", method)
    assert rejection(alice, bytes(archive)).startswith(f"{ENTITIES}: The compression method")


@pytest.mark.parametrize("name", [ENTITIES, LINES])
def test_a_member_that_is_missing(name, alice):
    members = Original("alice").members()
    del members[name]
    assert rejection(alice, zipped(members)) == f"{name} is missing."


def test_too_many_members(alice):
    many = {f"file{number}": b"" for number in range(limits.MAX_MEMBERS)}
    assert "members" in rejection(alice, zipped({**Original("alice").members(), **many}), 413)


def test_a_directory_without_end(alice):
    archive = bytearray(Original("alice").zipped())
    end = archive.rindex(b"PK\5\6")
    start = struct.unpack("<I", archive[end + 16 : end + 20])[0]
    archive[end:end] = bytes(2 * MEGABYTE)
    end += 2 * MEGABYTE
    archive[end + 12 : end + 16] = struct.pack("<I", end - start)
    assert "directory" in rejection(alice, bytes(archive), 413)


@pytest.mark.parametrize("offset", [2**40, 2**63 - 1, 2**63, 2**64 - 1])
def test_a_member_that_begins_behind_the_end(offset, alice):
    archive = bytearray(Original("alice").zipped())
    directory = archive.index(b"PK\1\2")
    extra = struct.pack("<HHQ", 1, 8, offset)
    name_ends = directory + 46 + len(ENTITIES)
    archive[directory + 30 : directory + 32] = struct.pack("<H", len(extra))
    archive[directory + 42 : directory + 46] = b"\xff" * 4
    archive[name_ends:name_ends] = extra
    end = archive.rindex(b"PK\5\6")
    size = struct.unpack("<I", archive[end + 12 : end + 16])[0]
    archive[end + 12 : end + 16] = struct.pack("<I", size + len(extra))
    assert rejection(alice, bytes(archive)).startswith(f"{ENTITIES}: The member is damaged")


def test_a_member_that_begins_before_the_file(alice):
    archive = Original("alice").zipped()
    # Its directory says that it is further behind than it is, and so is all that it tells of.
    rejection(alice, archive[archive.index(b"PK\1\2") :])


@pytest.mark.slow
def test_a_flipped_bit_is_noticed(alice):
    archive = Ours("alice").zipped()
    imported(send(alice, archive))
    whole = all_rows()

    for at in range(100, len(archive) - 100, len(archive) // 11):
        broken = bytearray(archive)
        broken[at] ^= 4
        answer = send(alice, bytes(broken))

        # A bit in what nobody reads, such as the date of a member, makes it no other archive.
        assert answer.status_code in (200, 400)
        assert all_rows() == whole


# --- Bombs ---------------------------------------------------------------------------------


def test_a_member_that_unpacks_to_far_more_than_it_is(alice):
    spaces = {**Original("alice").members(), ENTITIES: b" " * (64 * MEGABYTE)}
    assert rejection(alice, zipped(spaces), 413).startswith(f"{ENTITIES}: The archive unpacks to")


def test_lines_that_unpack_to_far_more_than_they_are(alice, monkeypatch):
    monkeypatch.setattr(limits, "RATIO_LIMIT_FROM_BYTES", MEGABYTE)
    original = Original("alice")
    lines = (json.dumps(line).encode() + b" " * MEGABYTE + b"\n" for line in original.lines())
    members = {**original.members(), LINES: gzip.compress(b"".join(lines))}
    assert rejection(alice, zipped(members), 413).startswith(f"{LINES}, line ")


def test_a_header_that_lies_about_a_size(alice):
    archive = bytearray(zipped({**Original("alice").members(), ENTITIES: b" " * MEGABYTE}))
    directory = archive.index(b"PK\1\2")
    archive[directory + 24 : directory + 28] = struct.pack("<I", 10)
    rejection(alice, bytes(archive))


def test_more_than_is_unpacked_at_all(settings, alice):
    settings.IMPORT_MAX_UNPACKED_BYTES = 2000
    assert "2000 bytes" in rejection(alice, Original("alice").zipped(), 413)


def test_a_line_that_does_not_end(alice):
    noise = json.dumps({"id": uuid.uuid4().hex * (limits.MAX_ROW_CHARACTERS // 32 + 1)}).encode()
    members = {**Original("alice").members(), LINES: gzip.compress(noise)}
    detail = rejection(alice, zipped(members), 413)
    assert detail.startswith(f"{LINES}, line 1: The row is longer than")


def test_an_entity_that_does_not_end(alice):
    original = Original("alice")
    original.memories[1]["content"] = "x" * (limits.MAX_ROW_CHARACTERS + 1)
    assert rejection(alice, original.zipped(), 413).startswith(f"{ENTITIES}, line 50: ")


@pytest.mark.slow
def test_an_object_with_a_million_members(alice):
    text = json.dumps({f"x{number}": 0 for number in range(1_000_000)}).encode()
    detail = rejection(alice, zipped({**Original("alice").members(), ENTITIES: text}), 413)
    assert detail.startswith(f"{ENTITIES}, line 1: The object has more than 100 members")


def test_a_manifest_that_does_not_end(alice):
    members = {**Ours("alice").members(), MANIFEST: b" " * (limits.MAX_ROW_CHARACTERS + 1)}
    assert rejection(alice, zipped(members), 413).startswith(
        f"{MANIFEST}, line 1: The row is longer"
    )


def test_a_million_categories(alice, monkeypatch):
    monkeypatch.setattr(limits, "MAX_CATEGORIES", 50)
    original = Original("alice")
    original.entities["categories"] = [
        {**original.entities["categories"][0], "id": str(uuid.uuid4()), "name": f"c{number}"}
        for number in range(51)
    ]
    assert "more than 50 categories" in rejection(alice, original.zipped(), 413)


def test_an_upload_over_the_bound_is_not_read(alice, monkeypatch):
    from backups.views import ImportViewSet

    monkeypatch.setattr(ImportViewSet, "max_body_bytes", 1000)
    answer = send(alice, bytes(2000))
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
