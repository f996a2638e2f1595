"""The erasure of a person: what goes, what others keep, and in what order."""

import threading
from datetime import timedelta
from io import BytesIO, StringIO

import pytest
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, connections, models, transaction
from django.utils import timezone

from accounts.models import ApiKey, User
from agents import sse
from agents.tool_call import Caller
from backups.export_queries import ExportFilters
from backups.jobs import enqueue_export
from configuration.models import ConfigurationChange
from configuration.sections import SectionChange
from configuration.update import update_configuration
from core.admin import audit_log
from jobs import files
from jobs import lease as leasing
from jobs.claim import claim
from jobs.deletion import JobStillRunning
from jobs.models import Job
from jobs.registry import get_job_type
from jobs.runner import run_due
from memories.access.log import log_accesses
from memories.models import (
    Access,
    ArchivePolicy,
    Category,
    EmbeddingSpace,
    LogChain,
    LogLine,
    Memory,
    StateChange,
)
from memories.vectors import user_index
from operators.belongings import count_belongings, get_belongings
from operators.erase import enqueue_erasure, erase_user
from operators.models import Receipt
from tests.deadline import SECONDS
from tests.memories.stock import stock

# A vacuum runs in no transaction.
pytestmark = [pytest.mark.django_db(transaction=True, serialized_rollback=True), pytest.mark.slow]


@pytest.fixture(autouse=True)
def stored(settings, tmp_path):
    """A state folder of a test's own."""
    settings.STATE_DIR = tmp_path / "state"
    settings.STATE_DIR.mkdir()
    jobs = {**settings.STORAGES["jobs"], "OPTIONS": {"location": tmp_path / "state" / "jobs"}}
    settings.STORAGES = {**settings.STORAGES, "jobs": jobs}
    return settings.STATE_DIR


def everything_kept(*but):
    """All tables but the receipts, as text."""
    kept = ""
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            if model not in (Receipt, *but):
                cursor.execute(f'SELECT "{model._meta.db_table}"::text FROM {model._meta.db_table}')
                kept += "\n".join(row for (row,) in cursor.fetchall())
    return kept


def erase(member, **options):
    return erase_user(member.user, **{"by": None, **options})


def test_a_person_is_gone_from_every_table_and_others_are_as_they_were(alice, bob, olga):
    for member in (alice, bob):
        member.remember(f"{member.user} collects umbrellas", app="notes", infer=False)
        member.post("/memories/search", {"query": "What is collected?", "app": "notes"})
        member.with_key(name="the laptop")
    before = {model: model.objects.filter(memory__user=bob.user).count() for model in [StateChange]}
    pk = str(alice.user.pk)

    erased = erase(alice, by=olga.user)

    kept = everything_kept()
    assert "alice" not in kept
    # The log keeps the made-up id of its user, so that it can be verified.
    assert pk not in everything_kept(LogChain, LogLine)
    assert not User.objects.filter(pk=pk).exists()
    assert alice.get("/memories").status_code == 401
    assert bob.get("/memories").json()["total"] == 1
    assert {m: m.objects.filter(memory__user=bob.user).count() for m in before} == before
    assert erased.counts["Memory"] == erased.counts["App"] == erased.counts["User"] == 1
    assert erased.counts["ApiKey"] == 2


def test_a_receipt_tells_how_much_was_erased_and_names_nobody(alice, olga):
    [memory] = stock(alice.user, ["Tea"])
    pk = str(alice.user.pk)

    erased = erase(alice, by=olga.user)

    last, first = Receipt.objects.all()
    assert {last.act, first.act} == {erased.act}
    assert first.memories == [memory.pk]
    assert last.counts["Memory"] == last.counts["User"] == 1
    assert last.made_by == olga.user
    assert any("replicas" in remark for remark in last.remarks)
    assert set(Receipt.objects.about("alice")) == {last, first}
    assert not Receipt.objects.about("bob").exists()
    assert "alice" not in str(list(Receipt.objects.values()))
    assert pk not in str(list(Receipt.objects.values()))


def test_a_dry_run_counts_the_same_and_changes_nothing(alice):
    alice.remember("Our dog Rex is afraid of thunder", app="notes")
    alice.post("/memories/search", {"query": "What scares my pet?", "app": "notes"})

    planned = count_belongings(alice.user)

    assert alice.get("/memories").json()["total"] == 1
    assert erase(alice).counts == planned


def test_a_dry_run_counts_all_that_belongs_to_a_person(alice):
    hanging = {
        relation.related_model.__name__
        for owner in (User, Memory)
        for relation in owner._meta.related_objects
        if relation.on_delete is models.CASCADE
    }

    # What a person has as an operator.
    beside = {"LogEntry", "User_groups", "User_user_permissions"}
    assert hanging - beside <= set(get_belongings([alice.user]))


def test_a_person_leaves_no_name_in_what_they_did_for_others(alice, bob, olga):
    [memory] = stock(bob.user, ["Tea"])
    Memory.objects.filter(pk=memory.pk).change_state("archived", by=olga.user)
    update_configuration(
        [SectionChange("openmemory", {"custom_instructions": "Be brief"})], by=olga.user
    )
    policy = ArchivePolicy.objects.create(days=1, user=bob.user, made_by=olga.user)
    read = {"operator": "olga"}
    log_accesses([memory], app=None, access_type="admin", metadata=read)

    erase(olga)

    assert StateChange.objects.get(memory=memory).changed_by is None
    change = ConfigurationChange.objects.get()
    assert (change.changed_by, change.operator) == (None, "")
    policy.refresh_from_db()
    assert policy.made_by is None
    assert Access.objects.get().metadata == {}
    assert "olga" not in everything_kept()


def test_an_operator_may_erase_themselves(olga):
    erase(olga, by=olga.user)

    assert Receipt.objects.get().made_by is None


def test_the_name_of_a_category_goes_that_nobody_else_has(alice, bob):
    [mine] = stock(alice.user, ["Grandmother's recipes"])
    [shared] = stock(bob.user, ["Sailing"])
    for memory, names in ((mine, ["grandmother", "sailing", "food"]), (shared, ["sailing"])):
        memory.add_categories(Category.objects.get_or_create_many(names))
    ArchivePolicy.objects.create(days=9, category=Category.objects.get(name="grandmother"))
    Category.objects.create(name="just made for somebody")

    erase(alice)

    names = set(Category.objects.values_list("name", flat=True))
    assert names >= {"sailing", "food", "just made for somebody"}
    assert "grandmother" not in names
    assert not ArchivePolicy.objects.exists()


def test_jobs_and_their_files_go_also_those_that_others_had_done_about_the_person(
    alice, bob, olga, stored
):
    stock(alice.user, ["Tea"])
    mine = enqueue_export(alice.user, ExportFilters(), by=alice.user)
    theirs = enqueue_export(alice.user, ExportFilters(), by=olga.user)
    bobs = enqueue_export(bob.user, ExportFilters(), by=bob.user)
    run_due()
    upload = BytesIO(b"alice's archive")
    waiting = get_job_type("import").enqueue(
        owner=alice.user, parameters={"user": ""}, upload=upload
    )
    folder = files.make_scratch_folder(mine)
    assert {path.name for path in (stored / "jobs").iterdir()} == {
        str(job.pk) for job in (mine, theirs, bobs, waiting)
    }

    erase(alice)

    assert list(Job.objects.all()) == [bobs]
    assert [path.name for path in (stored / "jobs").iterdir()] == [str(bobs.pk)]
    assert not folder.exists()


@pytest.mark.parametrize("kind", ["reembed", "compare_spaces", "drop_space", "follow_policy"])
def test_what_an_operator_has_begun_for_everybody_goes_on_without_them(olga, kind):
    job = get_job_type(kind).enqueue(owner=olga.user, parameters={"hold": False})

    erase(olga)

    job.refresh_from_db()
    assert (job.owner, job.state) == (None, "queued")


def test_a_run_of_theirs_is_cancelled_and_waited_for(alice, monkeypatch):
    monkeypatch.setattr("operators.erase.WAIT_SECONDS", 0)
    job = get_job_type("embed").enqueue(owner=alice.user, parameters={})
    claim("long")

    with pytest.raises(JobStillRunning):
        erase(alice)

    job.refresh_from_db()
    assert job.cancel_requested
    assert alice.get("/memories").status_code == 401

    job.lease_until = timezone.now() - timedelta(seconds=1)
    job.save()
    erase(alice)
    assert not User.objects.filter(pk=alice.user.pk).exists()


def test_a_run_that_was_thought_dead_brings_nothing_back(alice):
    """Its last statement finds no job any more, and so all that it did is undone."""
    job = get_job_type("embed").enqueue(owner=alice.user, parameters={})
    lease = leasing.Lease(claim("long"), "long")
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    erase(alice)

    @transaction.atomic
    def end():
        Category.objects.create(name="what it did")
        lease.succeed({})

    with pytest.raises(leasing.LeaseLost):
        end()
    assert not Category.objects.filter(name="what it did").exists()


@pytest.mark.parametrize("constraints", ["IMMEDIATE", "DEFERRED"])
def test_who_is_just_writing_brings_nothing_back(alice, constraints):
    """An import checks at once who owns what it writes, and is waited for; others are refused."""
    written, go_on = threading.Event(), threading.Event()
    refused = []

    def write():
        try:
            with transaction.atomic():
                connection.cursor().execute(f"SET CONSTRAINTS ALL {constraints}")
                stock(alice.user, ["at the last moment"])
                written.set()
                go_on.wait(SECONDS)
        except IntegrityError as error:
            refused.append(error)
        finally:
            connections.close_all()

    writer = threading.Thread(target=write)
    writer.start()
    written.wait(SECONDS)
    eraser = threading.Thread(target=lambda: (erase(alice), connections.close_all()))
    eraser.start()
    if constraints == "DEFERRED":
        eraser.join(SECONDS)
    go_on.set()
    writer.join(SECONDS)
    eraser.join(SECONDS)

    assert bool(refused) == (constraints == "DEFERRED")
    assert not Memory.objects.exists()
    assert not User.objects.filter(pk=alice.user.pk).exists()


def test_sessions_in_the_admin_and_what_it_has_logged_of_the_person_go(alice, olga, client):
    for member in (alice, olga):
        client.__class__().force_login(member.user)
    [memory] = stock(alice.user, ["Tea"])
    about = [(alice.user, olga.user), (olga.user, alice.user), (olga.user, memory)]
    about.append((olga.user, alice.key))
    for by, of in about:
        audit_log.log_action(by, CHANGE, of, name="alice", message="")
    kept = audit_log.log_action(olga.user, CHANGE, olga.user, name="olga", message="")

    erased = erase(alice, by=olga.user)

    assert (erased.counts["sessions"], Session.objects.count()) == (1, 1)
    assert list(LogEntry.objects.all()) == [kept]


def test_what_agents_have_open_ends_with_the_answers_that_wait(alice, bob):
    def begin(member):
        session = sse.open_session(Caller(key=member.key, user=member.user), client="claude")
        sse.send(b"Our dog Rex is afraid of thunder", session)
        return session

    mine, bobs = begin(alice), begin(bob)

    erase(alice)

    with pytest.raises(sse.SessionNotFound):
        sse.find_session(mine.id, key=str(alice.key.pk))
    assert sse.find_session(bobs.id, key=str(bob.key.pk)) == bobs
    assert not sse._broker().exists(mine.queue)


def test_backups_of_the_person_go_and_those_of_others_stay(alice, bob, settings, tmp_path):
    settings.BACKUP_FOLDER = tmp_path / "backups"
    call_command("backup_all", str(settings.BACKUP_FOLDER), stdout=StringIO())

    assert erase(alice).counts["backups"] == 1

    [left] = settings.BACKUP_FOLDER.iterdir()
    assert "_bob_" in left.name


def test_the_index_of_the_person_goes(alice, settings):
    settings.EXACT_SEARCH_LIMIT = 10
    stock(alice.user, [str(number) for number in range(11)])
    user_index.sync_index(alice.user, EmbeddingSpace.objects.current())

    erase(alice)

    assert user_index.find_leftovers() == []


def test_the_file_with_the_key_of_the_default_user_goes(alice, settings, stored):
    settings.DEFAULT_USER = "alice"
    (stored / "api_key").write_text(alice.secret)

    erased = erase(alice)

    assert not (stored / "api_key").exists()
    assert any("`make run` creates a user" in remark for remark in erased.remarks)


def test_many_memories_go_step_by_step(alice, monkeypatch):
    monkeypatch.setattr("operators.erase.BATCH_SIZE", 2)
    stock(alice.user, ["one", "two", "three"])

    assert erase(alice).counts["Memory"] == 3

    assert [len(receipt.memories) for receipt in Receipt.objects.all()] == [0, 1, 2]


def test_an_operator_has_it_done_in_the_background_and_may_be_killed_meanwhile(alice, olga):
    stock(alice.user, ["Tea"])

    job = enqueue_erasure(alice.user, by=olga.user)

    assert alice.get("/memories").status_code == 401
    assert enqueue_erasure(alice.user, by=olga.user) == job
    run_due()
    job.refresh_from_db()
    assert (job.state, job.owner, job.error) == ("succeeded", None, None)
    assert job.result["counts"]["Memory"] == 1
    assert not User.objects.filter(user_id="alice").exists()
    assert Receipt.objects.first().made_by == olga.user

    # As if it had been killed after the person was gone.
    again = get_job_type("erase").enqueue(owner=None, parameters=job.parameters)
    run_due()
    again.refresh_from_db()
    assert again.state == "succeeded"


def test_the_command_asks_unless_it_is_told_not_to(alice):
    with pytest.raises(CommandError, match="Nothing was erased"):
        call_command("erase_user", "alice")
    assert User.objects.filter(user_id="alice").exists()
    with pytest.raises(CommandError, match="There is no user 'nobody'"):
        call_command("erase_user", "nobody", "--yes")

    said = StringIO()
    call_command("erase_user", "alice", "--dry-run", stdout=said)
    assert "would be erased" in said.getvalue()
    assert User.objects.filter(user_id="alice").exists()

    call_command("erase_user", "alice", "--yes", "--quiet")
    assert not User.objects.filter(user_id="alice").exists()
    assert not ApiKey.objects.exists()
