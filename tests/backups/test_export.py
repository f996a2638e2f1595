"""Exports over the API, and what is in the archive."""

import contextlib
import io
import json
import re
import uuid
import zipfile

import pytest

from apps_registry.models import AccessRule, App
from backups import exporting, selecting
from backups.archive import format
from backups.exporting import export
from backups.selecting import Part
from jobs.running import run_due
from memories.models import Category, Embedding, Memory, Revision, StateChange
from tests.backups.archives import archive_of, entities, lines, manifest, vectors
from tests.cast import errors_of
from tests.memories.stock import stock

# An export reads by a connection of its own, which sees only what is committed.
pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

AWKWARD = 'We "go" to\nthe sea \\ in \u2028 June \x01\x02\x7f 🌊 {picked} %(user)s\r\n'


def downloaded(answer) -> zipfile.ZipFile:
    with contextlib.closing(answer):
        assert answer.status_code == 200, answer.getvalue()
        return zipfile.ZipFile(io.BytesIO(answer.getvalue()))


def test_an_archive_has_everything_of_its_user_and_nothing_of_others(alice, bob):
    bob.remember("Bob has a boat", app="dock")
    first = alice.remember("Rex is afraid of thunder", app="desk", metadata={"a": [1, None]})["id"]
    alice.put(f"/memories/{first}", {"memory_content": AWKWARD})
    gone = alice.remember("Minka sleeps all day", app="phone")["id"]
    alice.delete(f"/memories/{gone}")
    kept = Memory.objects.get(pk=first)

    archive = archive_of(alice.user)

    held = entities(archive)
    assert held["user"]["user_id"] == "alice"
    by_id = {memory["id"]: memory for memory in held["memories"]}
    assert set(by_id) == {first, gone}
    assert by_id[first] == {
        "id": first,
        "user_id": str(alice.user.pk),
        "app_id": str(kept.app_id),
        "content": AWKWARD,
        "metadata": {"a": [1, None]},
        "state": "active",
        "created_at": kept.created_at.isoformat(timespec="microseconds"),
        "updated_at": kept.updated_at.isoformat(timespec="microseconds"),
        "archived_at": None,
        "deleted_at": None,
        "category_ids": [str(category.pk) for category in kept.categories.all()],
        "state_changed_at": kept.state_changed_at.isoformat(timespec="microseconds"),
        "superseded_by": None,
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
    assert [(each["memory_id"], each["content"]) for each in held["revisions"]] == [
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

    said = manifest(archive)
    assert said["format"] == "openmemory-backup"
    assert said["version"] == 1
    assert said["user"] == {"id": str(alice.user.pk), "user_id": "alice"}
    assert said["vectors"] == {
        "provider": "local", "model": "bge-small-en-v1.5", "dimensions": 384
    }  # fmt: skip
    held = entities(archive)
    assert said["counts"] == {**{name: len(held[name]) for name in format.LISTS}, "vectors": 1}
    assert set(said["members"]) == set(archive.namelist()) - {"manifest.json"}
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


def test_without_vectors_there_is_no_such_member(alice):
    alice.remember("We fly to Lisbon in June")

    archive = downloaded(alice.post("/backup/export", {"include_vectors": False}))

    assert "vectors.f16" not in archive.namelist()
    assert manifest(archive)["vectors"] is None


def test_an_export_is_a_zip_under_the_name_of_its_user(alice):
    answer = alice.post("/backup/export", {"user_id": "alice"}, Accept="application/zip")

    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Content-Disposition"] == (
        'attachment; filename="memories_export_alice.zip"'
    )
    archive = downloaded(answer)
    assert len(archive.fp.getvalue()) == int(answer.headers["Content-Length"])


def test_a_user_id_cannot_break_out_of_the_name_of_the_file(alice):
    alice.user.user_id = 'a";x="é..'
    alice.user.save()

    answer = alice.post("/backup/export")

    downloaded(answer)
    said = answer.headers["Content-Disposition"]
    assert said == "attachment; filename*=utf-8''memories_export_a%22%3Bx%3D%22%C3%A9...zip"


def test_an_export_is_narrowed_to_an_app_and_to_a_time(alice):
    desk, phone = (App.objects.create(owner=alice.user, name=name) for name in ("desk", "phone"))
    texts = ["one", "two", "three", "four"]
    one, two, three, four = stock(alice.user, texts)
    Memory.objects.exclude(pk=four.pk).update(app=desk)
    Memory.objects.filter(pk=four.pk).update(app=phone)
    Memory.objects.filter(pk__in=[one.pk, two.pk]).update(state="archived", superseded_by=three)
    begin = int(one.created_at.timestamp())
    for app in (desk, phone):
        AccessRule.objects.create(app=app, memory_id=four.pk, effect="allow")

    body = {"app_id": str(desk.pk), "from_date": begin, "to_date": begin + 60}
    archive = downloaded(alice.post("/backup/export", body))

    held = entities(archive)
    assert {memory["content"] for memory in held["memories"]} == {"one", "two"}
    assert {line["content"] for line in lines(archive)} == {"one", "two"}
    assert len(vectors(archive)) == 2
    assert [app["name"] for app in held["apps"]] == ["desk"]
    # Also what is about a memory that is not there: without it, the app might read everything.
    assert [(rule["subject_id"], rule["object_id"]) for rule in held["access_controls"]] == [
        (str(desk.pk), str(four.pk))
    ]
    # What took their place is not there, so nothing is said of it.
    assert {memory["superseded_by"] for memory in held["memories"]} == {None}
    assert manifest(archive)["filters"] == {
        "app_id": str(desk.pk), "from_date": begin, "to_date": begin + 60
    }  # fmt: skip


def test_what_took_the_place_of_a_memory_is_named(alice):
    old, new = stock(alice.user, ["I live in Berlin", "I live in Lisbon"])
    Memory.objects.filter(pk=old.pk).update(state="archived", superseded_by=new)

    held = entities(archive_of(alice.user))

    links = {memory["id"]: memory["superseded_by"] for memory in held["memories"]}
    assert links == {str(old.pk): str(new.pk), str(new.pk): None}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"app_id": "desk"}, "app_id"),
        ({"app_id": 7}, "app_id"),
        ({"from_date": "2024-01-01"}, "from_date"),
        ({"from_date": -1}, "from_date"),
        ({"to_date": 1.5}, "to_date"),
        ({"to_date": 10**18}, "to_date"),
        ({"include_vectors": "yes"}, "include_vectors"),
        ({"user_id": 7}, "user_id"),
    ],
)
def test_what_cannot_be_read_is_refused(alice, body, field):
    answer = alice.post("/backup/export", body)

    assert answer.status_code == 400
    assert errors_of(answer) == {("body", field)}


def test_an_unknown_app_is_no_empty_backup(alice, bob):
    theirs = App.objects.create(owner=bob.user, name="dock")

    answers = [
        alice.post("/backup/export", {"app_id": str(pk)}) for pk in (theirs.pk, uuid.uuid4())
    ]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {
        (404, "app_not_found")
    }


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
    export(alice.user, target, part=Part())

    archive = zipfile.ZipFile(target)
    assert target.done
    assert {memory["content"] for memory in entities(archive)["memories"]} == {"Tea", "Coffee"}
    assert {line["content"] for line in lines(archive)} == {"Tea", "Coffee"}
    assert len(vectors(archive)) == 2
    assert entities(archive)["revisions"] == []


def test_what_fails_in_the_middle_leaves_nothing_that_looks_like_an_archive(alice, monkeypatch):
    stock(alice.user, ["Tea"])
    monkeypatch.setattr(exporting, "VECTORS", "SELECT 1/0")
    target = io.BytesIO()

    with pytest.raises(Exception, match="division by zero"):
        export(alice.user, target, part=Part())

    assert target.getvalue() == b""
    assert alice.post("/backup/export").status_code == 500


def test_in_the_background_it_is_a_job_with_a_download(alice):
    memory = alice.remember("We fly to Lisbon in June")

    answer = alice.post("/backup/export", {}, Prefer="respond-async")
    assert answer.status_code == 202
    job = answer.json()
    assert answer.headers["Location"] == f"/api/v1/jobs/{job['id']}"
    run_due()

    job = alice.get(f"/jobs/{job['id']}").json()
    assert (job["kind"], job["state"]) == ("export", "succeeded")
    assert job["progress"] == {"done": 3, "total": 3}
    assert job["result"]["counts"]["memories"] == 1
    answer = alice.get(f"/jobs/{job['id']}/download")
    assert "memories_export_alice.zip" in answer.headers["Content-Disposition"]
    archive = downloaded(answer)
    assert job["result"]["size"] == len(archive.fp.getvalue())
    assert [each["id"] for each in entities(archive)["memories"]] == [memory["id"]]


def test_a_job_is_narrowed_as_the_answer_is(alice):
    stock(alice.user, ["one", "two"])
    begin = int(Memory.objects.earliest("created_at").created_at.timestamp())
    body = {"to_date": begin, "include_vectors": False}

    job = alice.post("/backup/export", body, Prefer="respond-async").json()
    run_due()

    archive = downloaded(alice.get(f"/jobs/{job['id']}/download"))
    assert [memory["content"] for memory in entities(archive)["memories"]] == ["one"]
    assert "vectors.f16" not in archive.namelist()


def test_the_job_of_an_operator_is_the_operators(alice, olga):
    alice.remember("We fly to Lisbon in June")

    job = olga.post("/backup/export", {"user_id": "alice"}, Prefer="respond-async").json()
    run_due()

    assert alice.get(f"/jobs/{job['id']}").status_code == 404
    archive = downloaded(olga.get(f"/jobs/{job['id']}/download"))
    assert entities(archive)["user"]["user_id"] == "alice"


def test_nobody_queues_exports_without_end(alice):
    answers = [alice.post("/backup/export", {}, Prefer="respond-async") for _ in range(6)]

    assert [answer.status_code for answer in answers] == [202] * 5 + [409]
    assert answers[-1].json()["code"] == "too_many_exports"


# What an archive leaves out of each table, and why.
LEFT_OUT = {
    "memories_memory": {"fingerprint", "words"},  # made of the content
    "memories_categorization": {"id", "user_id"},
    "memories_statechange": set(),
    "memories_revision": set(),
    "apps_registry_app": {"memories_read"},  # counted in the access log
    "apps_registry_accessrule": set(),
    "memories_category": set(),
}


@pytest.mark.parametrize("model", [Memory, StateChange, Revision, App, AccessRule, Category])
def test_every_column_is_in_an_archive_or_is_left_out_for_a_reason(model):
    statements = " ".join(selecting.LISTS.values())

    columns = {field.column for field in model._meta.concrete_fields}

    missing = {column for column in columns if not re.search(rf"\b{column}\b", statements)}
    assert missing == LEFT_OUT[model._meta.db_table]
