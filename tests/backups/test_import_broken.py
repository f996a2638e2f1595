"""Generated archives, intact and broken."""

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.visible_text import is_visible
from tests.backups.archive_factory import ENTITIES, LINES, MANIFEST, VECTORS, Ours, zipped
from tests.backups.imports import all_rows, send

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

SETTINGS = settings(
    max_examples=25,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
VISIBLE = TEXT.filter(is_visible)
NUMBERS = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
METADATA = st.dictionaries(TEXT, JSON, max_size=3)
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(9998, 1, 1), timezones=st.just(UTC))
STATES = st.sampled_from(["active", "paused", "archived", "deleted"])


@st.composite
def archives(draw: st.DrawFn) -> Ours:
    """An archive that is whole."""
    archive = Ours("alice")
    for _ in range(draw(st.integers(0, 3))):
        memory = archive.memory(draw(VISIBLE), draw(STATES), metadata=draw(METADATA))
        memory |= {"created_at": draw(TIMES).isoformat(), "superseded_by": None}
        archive.memories.append(memory)
        archive.vectors[memory["id"]] = archive.vector()
        for _ in range(draw(st.integers(0, 2))):
            archive.note(memory, draw(STATES), draw(STATES))
        if draw(st.booleans()):
            archive.put_in(memory, archive.category)
    if draw(st.booleans()):
        archive.rule(draw(st.sampled_from(["allow", "deny"])), archive.memories[-1]["id"])
    return archive


def broken(archive: Ours, data: st.DataObject) -> bytes:
    """Break an archive in a way that cannot be taken for whole."""
    way = data.draw(st.sampled_from([cut, changed, without_a_row, with_a_row_twice, without_field]))
    return way(archive, data)


def somewhere(data: st.DataObject) -> int:
    """A place in something of whatever length: ids, and so lengths, differ each time."""
    return data.draw(st.integers(0, 10**6))


def cut(archive: Ours, data: st.DataObject) -> bytes:
    whole = archive.zipped()
    return whole[: 1 + somewhere(data) % (len(whole) - 1)]


def changed(archive: Ours, data: st.DataObject) -> bytes:
    """One byte of a member is another one, which its digest tells."""
    members = archive.members()
    name = data.draw(st.sampled_from([ENTITIES, LINES, VECTORS]))
    content = bytearray(members[name])
    content[somewhere(data) % len(content)] ^= data.draw(st.integers(1, 255))
    return zipped({**members, name: bytes(content)})


def without_a_row(archive: Ours, data: st.DataObject) -> bytes:
    """What others refer to is missing, though the manifest counts rightly."""
    name = data.draw(st.sampled_from(["apps", "memories", "categories"]))
    archive.entities[name].pop(0)
    return archive.zipped()


def with_a_row_twice(archive: Ours, data: st.DataObject) -> bytes:
    lists = [name for name in archive.manifest({})["counts"] if archive.entities.get(name)]
    rows = archive.entities[data.draw(st.sampled_from(sorted(lists)))]
    rows.append(rows[somewhere(data) % len(rows)])
    return archive.zipped()


def without_field(archive: Ours, data: st.DataObject) -> bytes:
    lists = {"memories": "content", "apps": "name", "categories": "name", "revisions": "edited_at"}
    name = data.draw(st.sampled_from(sorted(lists)))
    entities = copy.deepcopy(archive.entities)
    members = archive.members()
    del entities[name][0][lists[name]]
    members[ENTITIES] = json.dumps(entities).encode()
    del members[MANIFEST]
    return zipped({**members, MANIFEST: json.dumps(archive.manifest(members)).encode()})


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@SETTINGS
@given(archives())
def test_whatever_is_whole_is_imported_and_a_second_time_changes_nothing(alice, archive):
    with undone():
        first = send(alice, archive.zipped())
        assert first.status_code == 200, first.content
        before = all_rows()
        second = send(alice, archive.zipped())
        assert second.status_code == 200, second.content
        assert all_rows() == before


@SETTINGS
@given(archives(), st.data())
def test_whatever_is_broken_is_refused_and_changes_nothing(alice, archive, data):
    before = all_rows()
    answer = send(alice, broken(archive, data))
    assert answer.status_code in (400, 413), answer.content
    assert answer.json()["code"] in ("bad_archive", "archive_too_large")
    assert all_rows() == before


@SETTINGS
@given(archives(), st.data(), JSON)
def test_whatever_stands_in_a_field_it_is_imported_or_refused(alice, archive, data, value):
    lists = [name for name in archive.manifest({})["counts"] if archive.entities.get(name)]
    rows = archive.entities[data.draw(st.sampled_from(sorted(lists)))]
    row = rows[somewhere(data) % len(rows)]
    field = data.draw(st.sampled_from(sorted(row)))
    members = archive.members()
    row[field] = value
    members[ENTITIES] = json.dumps(archive.entities).encode()
    del members[MANIFEST]
    manifest = json.dumps(archive.manifest(members)).encode()
    with undone():
        before = all_rows()
        answer = send(alice, zipped({**members, MANIFEST: manifest}))
        assert answer.status_code in (200, 400, 413), answer.content
        assert answer.status_code == 200 or all_rows() == before
