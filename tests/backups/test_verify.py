"""Verify archives, and rehearse their restore."""

import io
import json
import zipfile

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from apps_registry.models import AccessRule, App
from backups import verify
from backups.archive.zip_reader import ZipReader
from backups.export import export
from backups.export_queries import ExportFilters
from backups.scratch_schema import SCHEMA, scratch_schema
from memories.models import EmbeddingSpace, Memory
from tests.backups.archive_factory import Original

# An export reads by a connection of its own, which sees only what is committed.
pytestmark = [pytest.mark.django_db(transaction=True, serialized_rollback=True), pytest.mark.slow]


@pytest.fixture
def archive(alice, tmp_path):
    """One of everything: categories, a history, a former content, a rule, a paused app."""
    first = alice.remember("We fly to Lisbon in June", app="desk", metadata={"a": [1]})["id"]
    second = alice.remember("Rex is afraid of thunder", app="phone")["id"]
    alice.put(f"/memories/{first}", {"memory_content": "We fly to Lisbon in July"})
    alice.delete(f"/memories/{second}")
    third = alice.remember("Tea", infer=False)["id"]
    Memory.objects.filter(pk=second).update(superseded_by=third)
    desk = App.objects.get(name="desk")
    AccessRule.objects.create(app=desk, memory_id=second, effect="deny")
    AccessRule.objects.create(app=desk, effect="allow")
    App.objects.filter(name="phone").update(is_active=False, description="In her pocket")
    file = tmp_path / "alice.zip"
    with file.open("wb") as target:
        export(alice.user, target, filters=ExportFilters())
    return file


def run_command(*arguments: object) -> str:
    out = io.StringIO()
    call_command("verify_backup", *map(str, arguments), stdout=out)
    return out.getvalue()


def scratch_is_gone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regnamespace(%s)", [SCHEMA])
        return cursor.fetchone() == (None,)


def state_of_everything():
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_stat_user_tables WHERE schemaname = 'public'")
        tables = [name for (name,) in cursor.fetchall()]
        states = {}
        for table in tables:
            cursor.execute(f'SELECT coalesce(sum(hashtext(it::text)), 0) FROM "{table}" AS it')
            states[table] = cursor.fetchone()
    return states


def test_a_whole_archive_is_said_to_be_whole(archive):
    assert run_command(archive) == f"{archive} is intact: 3 memories of alice.\n"


def test_all_of_it_can_be_restored_and_nothing_is_left_of_that(archive):
    before = state_of_everything()

    answer = json.loads(run_command(archive, "--restore", "--json"))

    counts = answer.pop("counts")
    assert (counts["memories"], counts["revisions"], counts["access_controls"]) == (3, 1, 2)
    assert answer == {"file": str(archive), "ok": True, "user_id": "alice", "restored": True}
    assert scratch_is_gone()
    assert state_of_everything() == before


def test_it_can_be_restored_where_its_user_and_its_model_are_unknown(alice, archive):
    alice.user.delete()
    EmbeddingSpace.objects.update(model="another")

    assert "All of it was restored" in run_command(archive, "--restore")
    assert scratch_is_gone()


def test_an_archive_of_the_original_can_be_verified_and_restored(tmp_path):
    file = tmp_path / "original.zip"
    file.write_bytes(Original().zipped())

    assert "All of it was restored" in run_command(file, "--restore")


@pytest.mark.parametrize("flags", [[], ["--restore"]])
def test_what_was_changed_is_found_with_its_member_and_line(archive, flags, tmp_path):
    changed = tmp_path / "changed.zip"
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(changed, "w") as target:
        for name in source.namelist():
            target.writestr(name, source.read(name).replace(b"Lisbon", b"London"))
    out = io.StringIO()

    with pytest.raises(CommandError, match=r"memories.json: .* changed") as rejected:
        call_command("verify_backup", str(changed), "--json", *flags, stdout=out)

    assert rejected.value.returncode == 1
    result = json.loads(out.getvalue())
    assert (result["ok"], result["error"]["code"]) == (False, "bad_archive")
    assert scratch_is_gone()


def test_a_member_that_is_stored_uncompressed_is_read_however_long_it_is():
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("memories.json", bytes(3_000_000))

    read = 0
    with ZipReader(target).open("memories.json") as member:
        while piece := member.read(2_000_000):
            read += len(piece)

    assert read == 3_000_000


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        run_command(tmp_path / "nothing.zip")


@pytest.mark.parametrize(
    ("spoil", "place"),
    [
        ("UPDATE memories_memory SET content = 'Coffee' WHERE content = 'Tea'", "memories["),
        ("UPDATE memories_memory SET actor = 'Bo'", "memories["),
        ("UPDATE memories_memory SET conversation = 'another'", "memories["),
        ("UPDATE memories_memory SET arrival = -arrival", "memories["),
        ("DELETE FROM memories_revision", "revisions[0]"),
        ("UPDATE apps_registry_app SET is_active = true", "apps["),
        ("DELETE FROM memories_embedding", "vectors.f16: record 1"),
        ("UPDATE memories_statechange SET changed_at = changed_at + interval '1us'", "history[0]"),
        (
            "INSERT INTO memories_revision (memory_id, content, edited_at)"
            " SELECT memory_id, content, edited_at FROM memories_revision",
            "Of 1 revisions, 2",
        ),
    ],
)
def test_what_was_not_restored_as_it_is_in_the_archive_is_found(archive, monkeypatch, spoil, place):
    real = verify.import_archive

    def careless(*args, **options):
        real(*args, **options)
        with connection.cursor() as cursor:
            cursor.execute(spoil)

    monkeypatch.setattr(verify, "import_archive", careless)

    with pytest.raises(CommandError) as rejected:
        run_command(archive, "--restore")

    assert place in str(rejected.value)
    assert scratch_is_gone()


# Without triggers: what is tried out is not logged.
CONSTRAINTS = """
SELECT contype, count(*) FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
WHERE relnamespace = %s::regnamespace AND contype <> 't' GROUP BY contype ORDER BY contype
"""


def test_the_scratch_tables_have_every_constraint(alice):
    with scratch_schema(), connection.cursor() as cursor:
        counts = []
        for schema in ("public", SCHEMA):
            cursor.execute(CONSTRAINTS, [schema])
            counts.append(cursor.fetchall())
        assert Memory.objects.count() == 0

    assert counts[0] == counts[1]


def test_what_a_killed_process_has_left_is_dropped(archive):
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {SCHEMA}")
        cursor.execute(f"CREATE TABLE {SCHEMA}.memories_memory (id int)")

    run_command(archive, "--restore")

    assert scratch_is_gone()
