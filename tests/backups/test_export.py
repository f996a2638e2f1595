"""Exports over the API."""

import contextlib
import io
import threading
import uuid
import zipfile

import pytest

from apps_registry.models import AccessRule, App
from backups import concurrency
from backups.export import export
from backups.export_queries import ExportFilters
from jobs.runner import run_due
from memories.models import Memory
from tests.backups.archives import entities, lines, manifest, vectors
from tests.cast import errors_of
from tests.deadline import SECONDS
from tests.memories.stock import stock

# An export reads by a connection of its own, which sees only what is committed.
pytestmark = [pytest.mark.django_db(transaction=True, serialized_rollback=True), pytest.mark.slow]


def downloaded(answer) -> zipfile.ZipFile:
    with contextlib.closing(answer):
        assert answer.status_code == 200, answer.getvalue()
        return zipfile.ZipFile(io.BytesIO(answer.getvalue()))


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
    disposition = answer.headers["Content-Disposition"]
    assert disposition == "attachment; filename*=utf-8''memories_export_a%22%3Bx%3D%22%C3%A9...zip"


@pytest.mark.parametrize("prefer", [{}, {"Prefer": "respond-async"}])
def test_an_export_is_narrowed_by_metadata(alice, bob, prefer):
    one, two, three = stock(alice.user, ["one", "two", "three"])
    stock(bob.user, ["of bob"], metadata={"rank": 9})
    Memory.objects.filter(pk=two.pk).update(metadata={"rank": 4, "note": "100 % sure, %s"})
    Memory.objects.filter(pk=three.pk).update(metadata={"rank": 2})
    Memory.objects.filter(pk=one.pk).update(state="archived", superseded_by=three)
    chosen = {"or": [{"rank": {"gte": 4}, "note": {"contains": "%"}}, {"rank": {"exists": False}}]}

    answer = alice.post("/backup/export", {"metadata": chosen}, **prefer)
    if prefer:
        run_due()
        answer = alice.get(f"/jobs/{answer.json()['id']}/download")
    archive = downloaded(answer)

    held = entities(archive)
    assert {memory["content"] for memory in held["memories"]} == {"one", "two"}
    assert {memory["superseded_by"] for memory in held["memories"]} == {None}
    assert {line["content"] for line in lines(archive)} == {"one", "two"}
    assert len(vectors(archive)) == 2
    assert manifest(archive)["filters"]["metadata"] == chosen


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


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"app_id": "desk"}, "app_id"),
        ({"app_id": 7}, "app_id"),
        ({"from_date": "soon"}, "from_date"),
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
    other = App.objects.create(owner=bob.user, name="dock")

    answers = [alice.post("/backup/export", {"app_id": str(pk)}) for pk in (other.pk, uuid.uuid4())]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {
        (404, "app_not_found")
    }


def test_what_fails_in_the_middle_leaves_nothing_that_looks_like_an_archive(alice, monkeypatch):
    stock(alice.user, ["Tea"])
    statements = {**ExportFilters().statements(), "vectors": "SELECT 1/0"}
    monkeypatch.setattr(ExportFilters, "statements", lambda _: statements)
    target = io.BytesIO()

    with pytest.raises(Exception, match="division by zero"):
        export(alice.user, target, filters=ExportFilters())

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
    assert [exported["id"] for exported in entities(archive)["memories"]] == [memory["id"]]


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


def test_a_user_has_one_export_made_at_a_time(alice, bob, monkeypatch):
    monkeypatch.setattr(concurrency, "WAIT_SECONDS", 0.01)

    with concurrency.archive_slot(alice.user.pk):
        rejected, other = alice.post("/backup/export"), bob.post("/backup/export")

    assert (rejected.status_code, rejected.json()["code"]) == (503, "archives_under_way")
    assert rejected.headers["Retry-After"]
    downloaded(other)
    downloaded(alice.post("/backup/export"))


def test_few_exports_are_made_at_once(alice, monkeypatch):
    monkeypatch.setattr(concurrency, "WAIT_SECONDS", 0.01)

    with concurrency.archive_slot(uuid.uuid4()), concurrency.archive_slot(uuid.uuid4()):
        answer = alice.post("/backup/export")

    assert answer.json()["code"] == "archives_under_way"


def test_whoever_comes_later_gets_a_turn(alice):
    entered = threading.Event()

    def make() -> None:
        with concurrency.archive_slot(alice.user.pk):
            entered.set()

    with concurrency.archive_slot(alice.user.pk):
        second = threading.Thread(target=make)
        second.start()
        assert not entered.is_set()
    second.join(SECONDS)

    assert entered.is_set()
