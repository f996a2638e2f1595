"""Archives that are made to do harm, each with the words of its rejection.

Each is small, and what it unpacks to, announces or contains is large, wrong or ambiguous.
"""

from __future__ import annotations

import gzip
import json
import struct
import uuid
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.backups.archive_factory import (
    EARLY,
    ENTITIES,
    LINES,
    MANIFEST,
    VECTORS,
    Original,
    Ours,
    zipped,
)

MEGABYTE = 1024 * 1024
GIGANTIC = 10**9


@dataclass(frozen=True)
class Hostile:
    name: str
    make: Callable[[], bytes]
    detail: str  # a part of the error's detail: where it is, or what is wrong


HOSTILE: list[Hostile] = []


def hostile(detail: str) -> Callable[[Callable[[], bytes]], Callable[[], bytes]]:
    """Declare a function that makes such an archive."""

    def declare(make: Callable[[], bytes]) -> Callable[[], bytes]:
        HOSTILE.append(Hostile(make.__name__, make, detail))
        return make

    return declare


def family(detail: str, **variants: Callable[[], bytes]) -> None:
    """Declare several that are rejected in the same words."""
    HOSTILE.extend(Hostile(name, make, detail) for name, make in variants.items())


# --- Their parts ----------------------------------------------------------------------------


def original(**members: bytes | None) -> bytes:
    """An archive of the original server, without a manifest, with other members."""
    changed = {**Original("alice").members(), **_named(members)}
    return zipped({name: data for name, data in changed.items() if data is not None})


def ours(archive: Ours | None = None, **members: bytes) -> bytes:
    """An archive of this server with other members, whose manifest has their digests."""
    archive = archive or Ours("alice")
    changed = archive.members()
    del changed[MANIFEST]
    changed |= _named(members)
    return zipped({**changed, MANIFEST: json.dumps(archive.manifest(changed)).encode()})


def _named(members: dict[str, Any]) -> dict[str, Any]:
    names = {"entities": ENTITIES, "lines": LINES, "vectors": VECTORS, "manifest": MANIFEST}
    return {names[name]: data for name, data in members.items()}


def with_manifest(**fields: Any) -> bytes:
    archive = Ours("alice")
    members = archive.members()
    manifest = json.loads(members[MANIFEST]) | fields
    return zipped({**members, MANIFEST: json.dumps(manifest).encode()})


def with_counts(**counts: Any) -> bytes:
    archive = Ours("alice")
    return with_manifest(counts=archive.manifest({})["counts"] | counts)


def with_memory(**fields: Any) -> bytes:
    archive = Original("alice")
    archive.memories[0] |= fields
    return archive.zipped()


def with_raw_memory(text: str) -> bytes:
    """The first memory has this JSON where its metadata would be."""
    archive = Original("alice")
    archive.memories[0]["metadata"] = {"it": "PLACE"}
    return original(
        entities=json.dumps(archive.entities).encode().replace(b'"PLACE"', text.encode())
    )


def with_raw_line(text: bytes) -> bytes:
    return original(lines=gzip.compress(text))


def with_list(name: str, items: bytes) -> bytes:
    """A list of the entities has these items in place of its own."""
    archive = Original("alice")
    archive.entities[name] = "PLACE"
    return original(
        entities=json.dumps(archive.entities).encode().replace(b'"PLACE"', b"[" + items + b"]")
    )


def as_json(archive: Original) -> bytes:
    return json.dumps(archive.entities).encode()


def patched(archive: bytes, at: int, form: str, value: int) -> bytes:
    """An archive with another number in the record of its first member in the directory."""
    data = bytearray(archive)
    struct.pack_into(form, data, data.index(b"PK\1\2") + at, value)
    return bytes(data)


# --- Empty lines, spaces and lines without end -----------------------------------------------

family(
    f"{LINES}, line ",
    empty_lines_of_15_megabytes=lambda: with_raw_line(b"\n" * (15 * MEGABYTE)),
    empty_lines_of_3_megabytes=lambda: with_raw_line(b"\n" * (3 * MEGABYTE)),
    empty_lines_with_a_return=lambda: with_raw_line(b"\r\n" * MEGABYTE),
    empty_lines_of_spaces=lambda: with_raw_line(b" \t\n" * MEGABYTE),
    empty_lines_after_the_memories=lambda: with_raw_line(
        b"".join(json.dumps(line).encode() + b"\n" for line in Original("alice").lines())
        + b"\n" * (3 * MEGABYTE)
    ),
    lines_of_empty_objects=lambda: with_raw_line(b"{}\n" * MEGABYTE),
    lines_of_numbers=lambda: with_raw_line(b"0\n" * MEGABYTE),
    a_line_of_spaces=lambda: with_raw_line(b" " * (3 * MEGABYTE)),
    a_line_of_one_string=lambda: with_raw_line(b'"' + b"a" * (3 * MEGABYTE)),
    a_line_of_brackets=lambda: with_raw_line(b"[" * MEGABYTE),
)
family(
    f"{LINES}",
    announced_empty_lines=lambda: ours(lines=gzip.compress(b"\n" * (15 * MEGABYTE))),
    more_lines_than_memories=lambda: original(
        lines=gzip.compress(
            b"".join(json.dumps(line).encode() + b"\n" for line in Original("alice").lines() * 1000)
        )
    ),
)
family(
    f"{ENTITIES}: The archive unpacks to more than",
    spaces_before_the_entities=lambda: original(entities=b" " * (16 * MEGABYTE)),
    line_breaks_before_the_entities=lambda: original(entities=b"\n" * (16 * MEGABYTE)),
    spaces_in_an_empty_list=lambda: with_list("memories", b" " * (16 * MEGABYTE)),
    spaces_after_the_entities=lambda: original(
        entities=as_json(Original("alice")) + b"\n" * (16 * MEGABYTE)
    ),
)

# --- Many items of nothing ---------------------------------------------------------------------

family(
    "There are more rows than an archive of this size can have",
    an_unknown_list_of_numbers=lambda: with_list("extensions", b"0," * MEGABYTE + b"0"),
    an_unknown_list_of_objects=lambda: with_list("extensions", b"{}," * MEGABYTE + b"{}"),
    an_unknown_list_of_lists=lambda: with_list("extensions", b"[[]]," * 500_000 + b"[]"),
)


@hostile("There are more rows than an archive of this size can have")
def the_same_link_again_and_again() -> bytes:
    archive = Original("alice")
    link = json.dumps(archive.entities["memory_categories"][0]).encode()
    return with_list("memory_categories", (link + b",") * 30_000 + link)


@hostile("The object has more than 100 members")
def many_unknown_members() -> bytes:
    return original(entities=json.dumps({f"x{number}": 0 for number in range(100_000)}).encode())


family(
    f"{ENTITIES}, line ",
    a_list_of_empty_memories=lambda: with_list("memories", b"{}," * MEGABYTE + b"{}"),
    a_list_of_nulls=lambda: with_list("apps", b"null," * 500_000 + b"null"),
    a_category_with_a_million_ids=lambda: with_memory(
        category_ids=[str(uuid.UUID(int=7))] * 50_000
    ),
    an_object_with_many_members=lambda: with_memory(
        metadata={str(number): 0 for number in range(100_000)}
    ),
    a_list_of_lists=lambda: with_raw_memory("[" + "[]," * 600_000 + "[]]"),
    a_list_of_lists_and_a_smile=lambda: with_raw_memory(
        "[" + "[]," * 600_000 + '"\\ud83d\\ude00"]'
    ),
)


# --- JSON --------------------------------------------------------------------------------------

family(
    f"{ENTITIES}, line ",
    lists_in_lists=lambda: original(entities=b"[" * MEGABYTE),
    a_member_of_lists_in_lists=lambda: with_raw_memory("[" * MEGABYTE),
    objects_in_objects=lambda: with_raw_memory('{"a":' * 300_000),
    lists_in_lists_that_end=lambda: with_raw_memory("[" * 40 + "]" * 40),
    an_integer_of_a_million_digits=lambda: with_raw_memory("9" * 1_000_000),
    a_negative_integer_of_a_million_digits=lambda: with_raw_memory("-" + "9" * 1_000_000),
    an_exponent_of_a_million=lambda: with_raw_memory("1e1000000"),
    not_a_number=lambda: with_raw_memory("NaN"),
    infinity=lambda: with_raw_memory("-Infinity"),
    a_string_of_escapes=lambda: with_memory(content="\0" * 300_000),
    a_string_of_half_characters=lambda: with_raw_memory('"' + "\\ud800" * 300_000 + '"'),
    a_string_without_end=lambda: with_raw_memory('"' + "a" * (3 * MEGABYTE)),
    a_string_of_backslashes=lambda: with_raw_memory('"' + "\\\\" * (2 * MEGABYTE)),
    a_number_where_a_text_is_meant=lambda: with_memory(content=5),
    a_year_that_does_not_exist=lambda: with_memory(created_at="99999-01-01T00:00:00+00:00"),
    a_text_of_a_megabyte=lambda: with_memory(content="a" * MEGABYTE),
    not_utf_8=lambda: original(entities=b'{"user": "' + b"\xff" * MEGABYTE + b'"}'),
    utf_16=lambda: original(entities=json.dumps(Original("alice").entities).encode("utf-16")),
    two_documents=lambda: original(entities=as_json(Original("alice")) * 2),
    a_comment_of_a_megabyte=lambda: original(entities=b"/*" + b"*" * MEGABYTE + b"*/{}"),
)
family(
    "The name 'memories' appears twice",
    a_list_that_is_there_twice=lambda: original(
        entities=as_json(Original("alice"))[:-1] + b', "memories": []}'
    ),
)
family(
    " 2 times. Send it once.",
    a_field_that_is_there_twice=lambda: original(
        entities=as_json(Original("alice")).replace(
            b'"content": "Rex is active"', b'"content": "Rex is bad", "content": "Rex is active"'
        )
    ),
    metadata_that_is_there_twice=lambda: with_raw_memory('{"a": 1, "a": 2}'),
    many_members_and_one_of_them_twice=lambda: with_raw_memory(
        "{" + "".join(f'"{number}":0,' for number in range(90_000)) + '"0":0}'
    ),
    a_field_of_a_line_that_is_there_twice=lambda: with_raw_line(
        json.dumps(Original("alice").lines()[0]).encode()[:-1] + b', "state": "active"}\n'
    ),
    a_manifest_with_two_counts=lambda: zipped(
        {**Ours("alice").members(), MANIFEST: b'{"counts": {}, "counts": {"memories": 4}}'}
    ),
)

# --- gzip --------------------------------------------------------------------------------------

EMPTY_STREAM = gzip.compress(b"", mtime=0)

family(
    f"{LINES}",
    many_gzip_streams=lambda: original(lines=EMPTY_STREAM * 150_000),
    a_gzip_stream_after_the_lines=lambda: original(
        lines=Original("alice").members()[LINES] + EMPTY_STREAM
    ),
    a_gzip_name_of_a_megabyte=lambda: original(
        lines=b"\x1f\x8b\x08\x08" + bytes(6) + b"a" * (3 * MEGABYTE)
    ),
    a_gzip_comment_of_a_megabyte=lambda: original(
        lines=b"\x1f\x8b\x08\x10" + bytes(6) + b"a" * (3 * MEGABYTE)
    ),
    gzip_in_gzip=lambda: original(lines=gzip.compress(gzip.compress(b"\n" * (15 * MEGABYTE)))),
    a_gzip_stream_that_is_cut_off=lambda: original(lines=Original("alice").members()[LINES][:-9]),
    a_gzip_stream_with_a_wrong_checksum=lambda: original(
        lines=Original("alice").members()[LINES][:-8] + bytes(8)
    ),
    a_gzip_stream_of_empty_blocks=lambda: original(
        lines=EMPTY_STREAM[:10] + b"\x00\x00\x00\xff\xff" * 600_000
    ),
    zlib_in_place_of_gzip=lambda: original(lines=zlib.compress(b"{}\n" * MEGABYTE)),
    a_zip_in_place_of_gzip=lambda: original(lines=Original("alice").zipped()),
)

# --- The ZIP -------------------------------------------------------------------------------------


@hostile(f"{ENTITIES} is missing")
def a_zip_in_a_zip() -> bytes:
    return zipped({"memories.zip": Original("alice").zipped()})


@hostile("The ZIP has more than 100 members")
def ten_thousand_members() -> bytes:
    return zipped({f"{number}": b"" for number in range(10_000)})


@hostile("Two members have this name")
def a_member_that_is_there_twice() -> bytes:
    return zipped({"aa": b"1", "ab": b"2", **Original("alice").members()}).replace(b"ab", b"aa")


@hostile("points outside the archive")
def a_member_outside() -> bytes:
    return zipped({**Original("alice").members(), "../../api_key": b"x"})


family(
    f"{ENTITIES}: ",
    a_member_that_claims_to_be_short=lambda: patched(Original("alice").zipped(), 24, "<I", 10),
    a_member_that_claims_to_be_packed_shorter=lambda: patched(
        Original("alice").zipped(), 20, "<I", 10
    ),
    a_member_that_claims_to_be_packed_longer=lambda: patched(
        Original("alice").zipped(), 20, "<I", 2**31
    ),
    a_member_with_a_wrong_checksum=lambda: patched(Original("alice").zipped(), 16, "<I", 1),
    a_member_that_begins_elsewhere=lambda: patched(Original("alice").zipped(), 42, "<I", 77),
    a_member_packed_by_an_unknown_method=lambda: patched(Original("alice").zipped(), 10, "<H", 93),
    an_encrypted_member=lambda: patched(Original("alice").zipped(), 8, "<H", 1),
)
family(
    "ZIP",
    a_file_without_a_directory=lambda: b"PK\3\4" + bytes(100_000),
    a_directory_that_claims_to_be_endless=lambda: zip64_with(directory_bytes=2**62),
    a_directory_that_begins_behind_the_end=lambda: zip64_with(
        directory_bytes=100, directory_at=2**62
    ),
)


def zip64_with(*, directory_bytes: int = 0, directory_at: int = 0) -> bytes:
    """A ZIP whose end says that another record has the numbers, which lie."""
    record = struct.pack(
        "<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, 4, 4, directory_bytes, directory_at
    )
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, 0, 1)
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return record + locator + end


# --- The manifest ------------------------------------------------------------------------------

family(
    f"{MANIFEST}: ",
    a_manifest_that_announces_a_billion=lambda: with_counts(memories=GIGANTIC),
    a_manifest_that_announces_less_than_nothing=lambda: with_counts(extensions=-1),
    a_manifest_of_a_later_version=lambda: with_manifest(version=GIGANTIC),
    a_manifest_without_digests=lambda: with_manifest(members={}),
)
family(
    f"{MANIFEST}, line 1: ",
    a_manifest_with_a_count_of_text=lambda: with_counts(memories="many"),
    a_manifest_with_a_count_of_many_digits=lambda: zipped(
        {**Ours("alice").members(), MANIFEST: b'{"version": ' + b"9" * 1_000_000 + b"}"}
    ),
    a_manifest_of_a_billion_dimensions=lambda: with_manifest(
        vectors={"provider": "local", "model": "bge-small-en-v1.5", "dimensions": GIGANTIC}
    ),
    a_manifest_of_spaces=lambda: zipped({**Ours("alice").members(), MANIFEST: b" " * 3 * MEGABYTE}),
)


@hostile(f"{ENTITIES}, line 1: memories[1]: {MANIFEST} counts 1 memories, and there are more")
def more_memories_than_announced() -> bytes:
    archive = Ours("alice")
    members = {**archive.members(), ENTITIES: as_json(archive)}
    del members[MANIFEST]
    manifest = archive.manifest(members)
    manifest["counts"]["memories"] = 1
    return zipped({**members, MANIFEST: json.dumps(manifest).encode()})


# --- Vectors -----------------------------------------------------------------------------------


def with_vectors(change: Callable[[bytes], bytes]) -> bytes:
    archive = Ours("alice")
    return ours(archive, vectors=change(archive.members()[VECTORS]))


family(
    f"{VECTORS}: ",
    vectors_that_are_cut_off=lambda: with_vectors(lambda data: data[:-1]),
    vectors_that_are_not_finite=lambda: with_vectors(
        lambda data: data[:16] + b"\x7c\x00" + data[18:]
    ),
    vectors_of_zeros=lambda: with_vectors(lambda data: data[:16] + bytes(len(data) - 16)),
    more_vectors_than_memories=lambda: with_vectors(lambda data: data * 1000),
)


@hostile(f"{VECTORS}: ")
def vectors_of_another_size() -> bytes:
    archive = Ours("alice")
    members = archive.members()
    del members[MANIFEST]
    archive.space |= {"dimensions": 383}
    return zipped({**members, MANIFEST: json.dumps(archive.manifest(members)).encode()})


@hostile(f"{VECTORS} cannot be read")
def vectors_without_a_manifest() -> bytes:
    return original(vectors=bytes(784))


# --- Rows that contradict each other -----------------------------------------------------------


@hostile("it is superseded by itself")
def a_memory_that_supersedes_itself() -> bytes:
    archive = Ours("alice")
    archive.memories[3]["superseded_by"] = archive.memories[3]["id"]
    return archive.zipped()


@hostile("this id appears twice")
def a_memory_that_is_there_twice() -> bytes:
    archive = Original("alice")
    archive.memories[1]["id"] = archive.memories[0]["id"]
    return archive.zipped()


@hostile("belongs to another user")
def a_memory_of_another_user() -> bytes:
    return with_memory(user_id=str(uuid.uuid4()))


@hostile("its memory is not in the archive")
def a_history_of_a_foreign_memory() -> bytes:
    archive = Original("alice")
    archive.entities["status_history"][0]["memory_id"] = str(uuid.uuid4())
    return archive.zipped()


@hostile("its app is not in the archive")
def a_rule_of_a_foreign_app() -> bytes:
    archive = Original("alice")
    archive.rule("allow", subject_id=str(uuid.uuid4()))
    return archive.zipped()


@hostile("`category_ids` has an id that is not in `memory_categories`")
def a_memory_in_the_same_foreign_category_many_times() -> bytes:
    return with_memory(category_ids=[str(uuid.UUID(int=7))] * 5_000)


@hostile("`created_at`")
def a_memory_from_before_the_beginning() -> bytes:
    return with_memory(created_at=EARLY.replace("2024", "0001"))
