"""The log in archives: exported, verified, and named by an import."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import zipfile

import pytest
from django.db import transaction

from backups.archive.errors import BadArchive
from backups.export_queries import ExportFilters
from backups.importing import Mode, import_archive
from backups.verify import try_restore, verify_archive
from memories.categories.merge import rename_category
from memories.change_log.chain_check import find_faults
from memories.lifecycle import purge
from memories.models import Category, LogChain, LogLine
from tests.backups.archive_factory import zipped
from tests.backups.archives import archive_of, manifest

pytestmark = [pytest.mark.django_db(transaction=True, serialized_rollback=True), pytest.mark.slow]

LOG, MANIFEST = "log.jsonl.gz", "manifest.json"


@pytest.fixture
def archive(alice):
    """Of a log with each kind of line."""
    memory = alice.remember('Rex is a "dög" 🐕\n')
    alice.patch(f"/memories/{memory['id']}", {"text": "Rex is old", "metadata": {"a": [1.5, {}]}})
    alice.patch(f"/memories/{memory['id']}", {"categories": ["kennel"]})
    rename_category(Category.objects.get(name="kennel").pk, "dogs")
    gone = alice.remember("Tea is green")
    alice.delete(f"/memories/{gone['id']}")
    with transaction.atomic():
        purge.purge([gone["id"]])
    return archive_of(alice.user)


def rows(archive):
    return [json.loads(line) for line in gzip.decompress(archive.read(LOG)).splitlines()]


def with_log(archive, lines):
    """The archive with another log, and digests that fit it."""
    members = {name: archive.read(name) for name in archive.namelist()}
    text = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    members[LOG] = gzip.compress(text)
    described = json.loads(members[MANIFEST])
    digest = hashlib.sha256(members[LOG]).hexdigest()
    described["members"][LOG] = {"sha256": digest, "size": len(members[LOG])}
    members[MANIFEST] = json.dumps(described).encode()
    return io.BytesIO(zipped(members))


def test_an_archive_has_the_log_and_its_end(archive, alice):
    chain = LogChain.objects.get(user=alice.user)

    kinds = [line["kind"] for line in rows(archive)]
    assert kinds == list(LogLine.objects.of_user(alice.user).values_list("kind", flat=True))
    assert manifest(archive)["log"] == {
        "sequence": chain.sequence,
        "hash": bytes(chain.hash).hex(),
    }
    file = archive.fp
    try_restore(file, verify_archive(file))


def test_a_part_of_the_memories_comes_without_the_log(alice):
    memory = alice.remember("Rex is a dog", app="desk")

    archive = archive_of(alice.user, ExportFilters(app=memory["app_id"]))

    assert LOG not in archive.namelist()
    assert manifest(archive)["log"] is None


def test_an_import_names_the_former_log_once(archive, bob, alice):
    for _ in range(2):
        import_archive(archive.fp, user=bob.user, mode=Mode.SKIP, by=bob.user)

    lines = bob.get("/log").json()["items"]
    assert [line["kind"] for line in lines] == ["imported", "stored"]
    head = manifest(archive)["log"]
    assert lines[0]["note"] == {**head, "user": str(alice.user.pk)}
    assert lines[0]["run"] == lines[1]["run"] is not None
    assert find_faults(bob.user.pk) == []


def test_an_import_where_it_comes_from_changes_nothing(archive, alice):
    before = LogChain.objects.get(user=alice.user).sequence

    import_archive(archive.fp, user=alice.user, mode=Mode.OVERWRITE, by=alice.user)

    assert LogChain.objects.get(user=alice.user).sequence == before


def test_any_change_of_a_line_is_named_and_nothing_is_imported(archive, bob):
    lines = rows(archive)
    for seed in range(60):
        choice = random.Random(seed)
        place = choice.randrange(len(lines))
        changed = [dict(line) for line in lines]
        column = choice.choice([name for name, value in changed[place].items() if value])
        value = changed[place][column]
        changed[place][column] = value + 1 if isinstance(value, int) else flipped(value, choice)

        with pytest.raises(BadArchive, match=f"{LOG}, line|manifest"):
            verify_archive(with_log(archive, changed))
    with pytest.raises(BadArchive, match=LOG):
        import_archive(with_log(archive, lines[1:]), user=bob.user, mode=Mode.SKIP, by=bob.user)
    assert not LogLine.objects.of_user(bob.user).exists()


def flipped(text, choice):
    place = choice.randrange(len(text))
    other = choice.choice([letter for letter in "0123456789" if letter != text[place]])
    return text[:place] + other + text[place + 1 :]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: lines[:2], "not the end of the log"),
        (lambda lines: lines[:-1], "removed without a purge"),
        (lambda lines: lines[:2] + lines[3:], "line 3: It does not follow"),
        (lambda lines: [lines[1], lines[0], *lines[2:]], "line 1: It does not follow"),
        (lambda lines: [{**lines[0], "salt": None, "snapshot": None}, *lines[1:]], "line 1 was"),
        (lambda lines: [{**lines[0], "more": 1, "hash": None}, *lines[1:]], "line 1"),
    ],
)
def test_what_was_removed_or_moved_is_named(archive, change, said):
    with pytest.raises(BadArchive, match=said):
        verify_archive(with_log(archive, change(rows(archive))))


def test_a_log_without_its_end_in_the_manifest_is_refused(archive):
    members = {name: archive.read(name) for name in archive.namelist()}
    described = json.loads(members[MANIFEST])
    described["log"] = None
    members[MANIFEST] = json.dumps(described).encode()

    with pytest.raises(BadArchive, match="if and only if"):
        verify_archive(io.BytesIO(zipped(members)))


def test_archives_of_former_releases_have_no_log(archive, bob):
    members = {name: archive.read(name) for name in archive.namelist() if name != LOG}
    described = json.loads(members[MANIFEST])
    del described["log"], described["members"][LOG]
    members[MANIFEST] = json.dumps(described).encode()

    file = io.BytesIO(zipped(members))
    verify_archive(file)
    import_archive(file, user=bob.user, mode=Mode.SKIP, by=bob.user)

    assert [line["kind"] for line in bob.get("/log").json()["items"]] == ["stored"]
    assert zipfile.is_zipfile(file)
