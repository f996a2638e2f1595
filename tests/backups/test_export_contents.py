"""What is in an archive."""

import io
import json
import re
import uuid
import zipfile

import pytest

from apps_registry.models import AccessRule, App
from backups.archive.memory_rows import LineRow
from backups.archive.rows import LISTS
from backups.export import export
from backups.export_queries import ExportFilters
from backups.snapshot import open_snapshot
from jobs.lease import Cancelled
from memories.models import Embedding, Memory, Revision, StateChange, UserCategory
from tests.backups.archives import archive_of, entities, lines, manifest, vectors
from tests.memories.stock import stock

# An export reads by a connection of its own, which sees only what is committed.
pytestmark = [pytest.mark.django_db(transaction=True, serialized_rollback=True), pytest.mark.slow]

AWKWARD = 'We "go" to\nthe sea \\ in \u2028 June \x01\x02\x7f 🌊 $memory_filter %(user)s\r\n'


def test_an_archive_has_everything_of_its_user_and_nothing_of_others(alice, bob):
    bob.remember("Bob has a boat", app="dock")
    first = alice.remember("Rex is afraid of thunder", app="desk", metadata={"a": [1, None]})["id"]
    alice.put(f"/memories/{first}", {"memory_content": AWKWARD})
    gone = alice.remember("Minka sleeps all day", app="phone")["id"]
    alice.delete(f"/memories/{gone}")
    memory = Memory.objects.get(pk=first)

    archive = archive_of(alice.user)

    held = entities(archive)
    assert held["user"]["user_id"] == "alice"
    by_id = {memory["id"]: memory for memory in held["memories"]}
    assert set(by_id) == {first, gone}
    own_categories = UserCategory.objects.filter(
        user=alice.user, category__in=memory.categories.all()
    )
    assert by_id[first] == {
        "id": first,
        "user_id": str(alice.user.pk),
        "app_id": str(memory.app_id),
        "agent_id": "",
        "namespace": "",
        "own_key": "",
        "content": AWKWARD,
        "metadata": {"a": [1, None]},
        "state": "active",
        "created_at": memory.created_at.isoformat(timespec="microseconds"),
        "updated_at": memory.updated_at.isoformat(timespec="microseconds"),
        "archived_at": None,
        "deleted_at": None,
        "category_ids": [str(category.pk) for category in own_categories],
        "state_changed_at": memory.state_changed_at.isoformat(timespec="microseconds"),
        "superseded_by": None,
        "actor": "",
        "conversation": "",
        "arrival": 1,
        "expires_at": None,
        "valid_from": None,
        "valid_until": None,
        "immutable": False,
    }
    assert by_id[gone]["deleted_at"] == by_id[gone]["state_changed_at"]
    steps = [
        (step["memory_id"], step["old_state"], step["new_state"], step["begins"])
        for step in held["status_history"]
    ]
    assert steps == sorted(steps, key=lambda step: step[0])
    assert set(steps) == {
        (first, "deleted", "active", True),
        (gone, "deleted", "active", True),
        (gone, "active", "deleted", False),
    }
    assert [(revision["memory_id"], revision["content"]) for revision in held["revisions"]] == [
        (first, "Rex is afraid of thunder")
    ]
    assert {app["name"] for app in held["apps"]} == {"desk", "phone"}
    assert "Bob" not in archive.read("memories.json").decode()
    assert alice.key.prefix not in archive.read("memories.json").decode()


def test_its_two_first_members_have_the_shape_that_the_original_reads(alice):
    memory = alice.remember("We fly to Lisbon in June", app="desk", metadata={"a": 1})

    archive = archive_of(alice.user)

    held = entities(archive)
    assert archive.namelist()[:2] == ["memories.json", "memories.jsonl.gz"]
    assert set(held) >= {
        "user", "apps", "categories", "memories", "memory_categories", "status_history",
        "access_controls", "export_meta",
    }  # fmt: skip
    # The original looks these up without asking whether they are there.
    ids = {category["id"] for category in held["categories"]}
    assert ids == {link["category_id"] for link in held["memory_categories"]}
    assert all(uuid.UUID(step["id"]) for step in held["status_history"])
    assert held["export_meta"]["version"] == "1"
    assert lines(archive) == [
        {
            "id": memory["id"],
            "content": "We fly to Lisbon in June",
            "metadata": {"a": 1},
            "created_at": held["memories"][0]["created_at"],
            "updated_at": held["memories"][0]["updated_at"],
            "state": "active",
            "app": "desk",
            "categories": memory["categories"],
        }
    ]
    times = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00")
    assert all(
        times.fullmatch(held["memories"][0][f"{name}_at"]) for name in ("created", "updated")
    )


def test_the_manifest_tells_counts_and_digests(alice):
    alice.remember("We fly to Lisbon in June", app="desk")

    archive = archive_of(alice.user)

    written = manifest(archive)
    assert written["format"] == "openmemory-backup"
    assert written["version"] == 1
    assert written["user"] == {"id": str(alice.user.pk), "user_id": "alice"}
    assert written["vectors"] == {
        "provider": "local", "model": "bge-small-en-v1.5", "dimensions": 384
    }  # fmt: skip
    held = entities(archive)
    assert written["counts"] == {**{name: len(held[name]) for name in LISTS}, "vectors": 1}
    assert set(written["members"]) == set(archive.namelist()) - {"manifest.json"}
    assert archive.testzip() is None


def test_each_entity_has_a_line_of_its_own(alice):
    stock(alice.user, [AWKWARD, "Tea", "Coffee"])

    text = archive_of(alice.user).read("memories.json")

    written = text.split(b"\n")
    begin = written.index(b'"memories": [')
    rows = [json.loads(line.rstrip(b",")) for line in written[begin + 1 : begin + 4]]
    assert {row["content"] for row in rows} == {AWKWARD, "Tea", "Coffee"}
    assert written[begin + 4] == b"],"


def test_vectors_are_those_of_the_database(alice):
    memories = stock(alice.user, ["Tea", "Coffee"])

    written = vectors(archive_of(alice.user))

    assert set(written) == {str(memory.pk) for memory in memories}
    for embedding in Embedding.objects.all():
        # The driver's text of a vector has fewer digits.
        assert written[str(embedding.memory_id)] == pytest.approx(embedding.vector, abs=1e-7)


def test_what_took_the_place_of_a_memory_is_named(alice):
    old, new = stock(alice.user, ["I live in Berlin", "I live in Lisbon"])
    Memory.objects.filter(pk=old.pk).update(state="archived", superseded_by=new)

    held = entities(archive_of(alice.user))

    links = {memory["id"]: memory["superseded_by"] for memory in held["memories"]}
    assert links == {str(old.pk): str(new.pk), str(new.pk): None}


def test_what_is_written_meanwhile_is_in_it_whole_or_not_at_all(alice):
    stock(alice.user, ["Tea", "Coffee"])

    class Meddling(io.BytesIO):
        """Somebody remembers, revises and deletes while the archive is written."""

        done = False

        def write(self, data):
            if not self.done:
                self.done = True
                Memory.objects.update(content="Changed")
                Revision.objects.create(memory=Memory.objects.first(), content="Tea")
                stock(alice.user, ["Water"])
                Memory.objects.filter(content="Changed").last().delete()
            return super().write(data)

    target = Meddling()
    export(alice.user, target, filters=ExportFilters())

    archive = zipfile.ZipFile(target)
    assert target.done
    assert {memory["content"] for memory in entities(archive)["memories"]} == {"Tea", "Coffee"}
    assert {line["content"] for line in lines(archive)} == {"Tea", "Coffee"}
    assert len(vectors(archive)) == 2
    assert entities(archive)["revisions"] == []


def test_an_export_that_is_broken_off_ends_at_once_and_leaves_nothing(alice):
    stock(alice.user, ["x" * 4000] * 300)
    target = io.BytesIO()

    def cancel(done: int, total: int) -> None:
        if 0 < done < total:
            raise Cancelled

    with pytest.raises(Cancelled):
        export(alice.user, target, filters=ExportFilters(), progress=cancel)

    assert target.getvalue() == b""


def test_the_columns_of_an_export_are_the_fields_that_an_import_reads(alice):
    statements = ExportFilters().statements()
    parameters = ExportFilters().parameters(alice.user.pk)

    columns = {}
    with open_snapshot() as snapshot:
        for name in [*LISTS, "lines"]:
            cursor = snapshot._direct.execute(statements[name], parameters)
            columns[name] = {column.name for column in cursor.description}

    fields = {name: set(row.__struct_encode_fields__) for name, row in LISTS.items()}
    # Written for people, and read from `memories.json`.
    fields["lines"] = {*LineRow.__struct_encode_fields__, "created_at", "updated_at"}
    assert columns == fields


# What an archive leaves out of each table, and why.
LEFT_OUT = {
    # Made of the content; what keeps running jobs from assigning others; of this server alone.
    "memories_memory": {"fingerprint", "words", "words_version", "categories_given", "version"},
    "memories_categorization": {"id", "user_id"},
    "memories_statechange": {"key_id"},  # keys are in no archive
    "memories_revision": {"key_id"},
    "apps_registry_app": {"memories_read"},  # counted in the access log
    "apps_registry_accessrule": set(),
    "memories_usercategory": set(),
}


@pytest.mark.parametrize("model", [Memory, StateChange, Revision, App, AccessRule, UserCategory])
def test_every_column_is_in_an_archive_or_is_left_out_for_a_reason(model):
    statements = " ".join(ExportFilters().statements()[name] for name in LISTS)

    columns = {field.column for field in model._meta.concrete_fields}

    missing = {column for column in columns if not re.search(rf"\b{column}\b", statements)}
    assert missing == LEFT_OUT[model._meta.db_table]
