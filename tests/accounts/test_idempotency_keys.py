"""Idempotency keys: the same request is done once, and answered as it was before."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import idempotency, keyed_view
from accounts.models import ApiKey, KeptAnswer
from apps_registry.models import AccessRule, App
from backups.jobs import EXPORT
from jobs.models import Job
from memories.lifecycle import purge
from memories.models import Memory, Revision
from memories.views import memory as memory_view
from operators.chores import CHORES
from tests.backups.archive_factory import Original
from tests.backups.imports import send

KEY = {"Idempotency-Key": '"8e03978e-40d5-43e8-bc93-6894a57f9324"'}
TEXT = {"text": "Rex is afraid of thunder", "infer": False}


def replayed(answer):
    return answer.headers.get("Idempotency-Replayed")


def same(first, second):
    names = ("Content-Type", "ETag", "Location")
    return (
        second.status_code == first.status_code
        and second.content == first.content
        and [second.headers.get(name) for name in names]
        == [first.headers.get(name) for name in names]
    )


def test_the_same_request_is_done_once_and_answered_as_before(alice):
    first = alice.post("/memories", TEXT, **KEY)
    second = alice.post("/memories", TEXT, **KEY)

    assert first.status_code == 200
    assert replayed(first) is None
    assert replayed(second) == "true"
    assert same(first, second)
    assert Memory.objects.count() == 1


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("put", "/memories/{id}", {"memory_content": "Rex is brave"}),
        ("patch", "/memories/{id}", {"text": "Rex is brave", "metadata": {"a": 1}}),
        ("delete", "/memories/{id}", None),
        ("delete", "/memories", {"memory_ids": ["{id}"]}),
        ("post", "/memories/actions/pause", {"memory_ids": ["{id}"]}),
        ("post", "/memories/actions/archive", {"memory_ids": ["{id}"]}),
        ("put", "/apps/{app_id}", {"is_active": False}),
        ("post", "/apps/{app_id}/rules", {"effect": "deny"}),
        ("post", "/keys", {"name": "another"}),
        ("post", "/users", {"user_id": "carol"}),
        ("delete", "/keys/{key}", None),
        ("patch", "/config", {"openmemory": {"custom_instructions": "Be brief."}}),
        ("post", "/config/reset", None),
    ],
)
def test_every_operation_that_changes_something_is_done_once(olga, method, path, body):
    memory = olga.remember(**TEXT)
    ids = {**memory, "key": olga.with_key(name="spare").key.pk}
    if body:
        body = {
            name: [each.format(**ids) for each in value] if isinstance(value, list) else value
            for name, value in body.items()
        }

    first = getattr(olga, method)(path.format(**ids), body, **KEY)
    second = getattr(olga, method)(path.format(**ids), body, **KEY)

    assert first.status_code in (200, 201, 204), first.content
    assert replayed(second) == "true"
    assert same(first, second)


def test_an_answer_with_a_secret_is_repeated_and_stored_nowhere_in_plain(alice):
    first = alice.post("/keys", {"name": "phone"}, **KEY)
    second = alice.post("/keys", {"name": "phone"}, **KEY)

    assert same(first, second)
    secret = first.json()["api_key"]
    assert ApiKey.objects.authenticate(secret).name == "phone"
    kept = KeptAnswer.objects.get()
    stored = b"".join(map(bytes, (kept.answer, kept.digest, kept.fingerprint)))
    assert secret.encode() not in stored
    assert b"phone" not in stored
    assert KEY["Idempotency-Key"].strip('"').encode() not in stored


def test_an_edit_in_a_stale_version_is_answered_as_before_if_it_is_the_same(alice):
    memory = alice.post("/memories", TEXT)
    patch, path = {"metadata": {"a": 1}}, f"/memories/{memory.json()['id']}"
    precondition = {"If-Match": memory.headers["ETag"]}

    first = alice.patch(path, patch, **KEY, **precondition)
    second = alice.patch(path, patch, **KEY, **precondition)

    assert first.status_code == 200
    assert same(first, second)
    assert Revision.objects.count() == 1
    assert alice.patch(path, patch, **precondition).status_code == 412


@pytest.mark.parametrize(
    "another",
    [
        {"body": {**TEXT, "text": "Rex is brave"}},
        {"body": {**TEXT, "metadata": {"a": 1.0}}},
        {"path": "/memories?user_id=alice"},
        {"path": "/memories/actions/pause", "body": {"global_pause": True}},
        {"method": "delete", "body": {"memory_ids": []}},
    ],
)
def test_another_request_with_the_same_key_is_refused(alice, another):
    body = {**TEXT, "metadata": {"a": 1}} if "metadata" in another.get("body", {}) else TEXT
    alice.post("/memories", body, **KEY)
    request = {"method": "post", "path": "/memories", "body": body} | another

    answer = getattr(alice, request["method"])(request["path"], request["body"], **KEY)

    assert answer.status_code == 422
    assert answer.json()["code"] == "idempotency_key_reused"
    assert "new one" in answer.json()["detail"]
    assert list(Memory.objects.values_list("state", flat=True)) == ["active"]


def test_the_order_of_names_and_a_final_slash_make_no_other_request(alice):
    first = alice.post("/memories?a=1", TEXT, **KEY)  # refused, so not kept
    assert first.status_code == 400
    first = alice.post("/memories", TEXT, **KEY)
    second = alice.post("/memories/", dict(reversed(TEXT.items())), **KEY)

    assert same(first, second)


def test_a_key_in_quotes_and_bare_is_the_same(alice):
    alice.post("/memories", TEXT, **KEY)
    bare = {"Idempotency-Key": KEY["Idempotency-Key"].strip('"')}

    assert replayed(alice.post("/memories", TEXT, **bare)) == "true"


@pytest.mark.parametrize(
    "key",
    ["", '""', " ", '" "', '"a', 'a"', "a, b", '"a", "b"', "a b", '"a";q=1', "a;q=1", "ä", '"ä"',
     '"a\\b"', "a\\b", "x" * 256, '"' + "x" * 256 + '"', '"\x07"', '"a\x7f"'],
)  # fmt: skip
def test_a_malformed_key_is_refused_and_nothing_is_done(alice, key):
    answer = alice.post("/memories", TEXT, **{"Idempotency-Key": key})

    assert answer.status_code == 400
    assert answer.json()["code"] == "idempotency_key_invalid"
    assert not Memory.objects.exists()


@pytest.mark.parametrize(
    "key", ["a", "x" * 255, '"a b, c; \\" \\\\"', "a:b/c+d=", "'", '" a"', "0"]
)
def test_other_keys_are_taken(alice, key):
    header = {"Idempotency-Key": key}
    assert alice.post("/memories", TEXT, **header).status_code == 200
    assert replayed(alice.post("/memories", TEXT, **header)) == "true"


def test_reading_takes_a_key_and_keeps_nothing(alice):
    alice.remember(**TEXT)
    for _ in range(2):
        for path in ("/memories/search", "/memories/filter"):
            body = {"query": "Rex"} if path.endswith("search") else {}
            answer = alice.post(path, body, **KEY)
            assert answer.status_code == 200
            assert replayed(answer) is None
    assert not KeptAnswer.objects.exists()
    answer = alice.post("/memories/search", {"query": "Rex"}, **{"Idempotency-Key": "a b"})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("post", "/memories", {"text": ""}, 400),
        ("post", "/memories", {"text": "a", "tekst": "b"}, 400),
        ("put", "/memories/00000000-0000-0000-0000-000000000001", {"memory_content": "a"}, 404),
        ("post", "/memories", {"text": "a", "user_id": "bob"}, 403),
        ("post", "/memories", {"text": "a", "app": "paused"}, 403),
    ],
)
def test_an_error_is_not_kept(alice, method, path, body, status):
    App.objects.create(owner=alice.user, name="paused", is_active=False)
    answer = getattr(alice, method)(path, body, **KEY)

    assert answer.status_code == status
    assert not KeptAnswer.objects.exists()
    assert alice.post("/memories", TEXT, **KEY).status_code == 200


def test_what_fails_after_its_change_is_undone(alice, monkeypatch):
    def fail(*_, **__):
        raise OSError("the answer cannot be written")

    with monkeypatch.context() as patched:
        patched.setattr(keyed_view.KeyedView, "_kept_answer", fail)
        assert alice.post("/memories", TEXT, **KEY).status_code == 500
    assert not Memory.objects.exists()

    answer = alice.post("/memories", TEXT, **KEY)
    assert (answer.status_code, replayed(answer)) == (200, None)


def test_keys_of_one_user_are_nothing_to_another(alice, bob):
    alice.post("/memories", TEXT, **KEY)
    answer = bob.post("/memories", TEXT, **KEY)

    assert (answer.status_code, replayed(answer)) == (200, None)
    assert Memory.objects.count() == 2
    assert bob.post("/memories", {**TEXT, "metadata": {"a": 1}}, **KEY).status_code == 422


def test_another_api_key_of_the_user_gets_the_answer(alice):
    first = alice.post("/memories", TEXT, **KEY)
    rotated = alice.with_key(name="new")
    alice.key.revoke()

    assert same(first, rotated.post("/memories", TEXT, **KEY))
    assert alice.post("/memories", TEXT, **KEY).status_code == 401


@pytest.mark.parametrize("kind", [{"app_name": "notes"}, {"scopes": ["write"]}])
def test_an_api_key_with_other_rights_gets_no_answer(alice, kind):
    alice.post("/memories", TEXT, **KEY)
    answer = alice.with_key(**kind).post("/memories", TEXT, **KEY)

    assert answer.status_code == 422
    assert alice.with_key(scopes=["read"]).post("/memories", TEXT, **KEY).status_code == 403


def test_an_app_gets_no_answer_about_what_it_may_not_read_any_more(alice):
    bound = alice.with_key(app_name="notes")
    memory = bound.post("/memories", TEXT, **KEY).json()
    app = App.objects.get(name="notes")
    rule = AccessRule.objects.create(app=app, effect="deny", memory_id=memory["id"])
    assert bound.post("/memories", TEXT, **KEY).status_code == 404
    rule.delete()
    app.set_active(False)
    assert bound.post("/memories", TEXT, **KEY).json()["code"] == "app_paused"
    app.set_active(True)
    assert replayed(bound.post("/memories", TEXT, **KEY)) == "true"
    assert Memory.objects.count() == 1


def test_an_operator_who_is_none_any_more_gets_no_answer(alice, olga):
    body = {**TEXT, "user_id": "alice"}
    olga.post("/memories", body, **KEY)
    olga.user.is_superuser = False
    olga.user.save()

    assert olga.post("/memories", body, **KEY).status_code == 403


def test_an_answer_is_kept_for_a_day(alice):
    alice.post("/memories", TEXT, **KEY)
    KeptAnswer.objects.update(created_at=timezone.now() - timedelta(hours=23, minutes=59))
    assert replayed(alice.post("/memories", TEXT, **KEY)) == "true"

    KeptAnswer.objects.update(created_at=timezone.now() - timedelta(hours=24))
    assert replayed(alice.post("/memories", TEXT, **KEY)) is None
    assert replayed(alice.post("/memories", TEXT, **KEY)) == "true"
    assert Memory.objects.count() == 2


def test_housekeeping_removes_old_answers(alice):
    alice.post("/memories", TEXT, **KEY)
    alice.post("/memories", TEXT, **{"Idempotency-Key": "new"})
    KeptAnswer.objects.filter(pk=KeptAnswer.objects.earliest("pk").pk).update(
        created_at=timezone.now() - timedelta(days=2)
    )
    [chore] = [chore for chore in CHORES if chore.name == "answers"]

    assert chore.count_due() == {"KeptAnswer": 1}
    assert [dict(counts) for counts in chore.run(transaction.atomic)] == [{"KeptAnswer": 1}]
    assert KeptAnswer.objects.count() == 1
    assert list(chore.run(transaction.atomic)) == []


def test_a_user_has_a_bounded_number_of_keys(alice, bob, monkeypatch):
    monkeypatch.setattr(idempotency, "MAX_KEPT", 2)
    for key in ("a", "b"):
        assert alice.post("/memories", TEXT, **{"Idempotency-Key": key}).status_code == 200

    refused = alice.post("/memories", TEXT, **KEY)

    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 24 * 3600
    assert replayed(alice.post("/memories", TEXT, **{"Idempotency-Key": "a"})) == "true"
    assert bob.post("/memories", TEXT, **KEY).status_code == 200
    KeptAnswer.objects.filter(user=alice.user).update(created_at=timezone.now() - timedelta(days=2))
    assert alice.post("/memories", TEXT, **KEY).status_code == 200


def test_what_is_purged_is_in_no_answer(alice):
    memory = alice.post("/memories", TEXT, **KEY).json()
    alice.post("/memories", TEXT, **{"Idempotency-Key": "other"})

    purge.purge([Memory.objects.get(pk=memory["id"]).pk])

    assert KeptAnswer.objects.count() == 1


def test_two_imports_with_the_same_key_are_one(alice):
    archive = Original().zipped()
    first, second = send(alice, archive, headers=KEY), send(alice, archive, headers=KEY)

    assert first.status_code == 200, first.content
    assert same(first, second)
    assert replayed(second) == "true"
    assert send(alice, archive, headers=KEY, mode="skip").status_code == 422
    assert send(alice, archive + b"\0", headers=KEY).status_code == 422


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_an_export_as_a_job_is_enqueued_once_and_a_file_is_not_kept(alice):
    wish = {"Prefer": "respond-async"}
    first = alice.post("/backup/export", {}, **KEY, **wish)
    second = alice.post("/backup/export", {}, **KEY, **wish)

    assert (first.status_code, first.headers["Location"]) == (
        202,
        f"/api/v1/jobs/{first.json()['id']}",
    )
    assert same(first, second)
    assert Job.objects.filter(kind=EXPORT.name).count() == 1
    for _ in range(2):
        answer = alice.post("/backup/export", {}, **{"Idempotency-Key": "file"})
        assert (answer.status_code, replayed(answer)) == (200, None)
        answer.close()


def test_a_key_costs_five_statements_and_a_replay_one(alice):
    def count(**headers):
        with CaptureQueriesContext(connection) as queries:
            assert alice.post("/memories", TEXT, **headers).status_code == 200
        return sum("SAVEPOINT" not in query["sql"] for query in queries)

    count()
    without = count()
    # To look for an answer before and after locking; the lock, the number of answers that the user
    # has, and the new one.
    assert count(**KEY) == without + 5
    assert count(**KEY) < without


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_twenty_at_once_make_one_memory_and_one_answer(alice):
    start, answers = threading.Barrier(20), []

    def call():
        start.wait()
        answers.append(alice.post("/memories", TEXT, **KEY))
        connections.close_all()

    threads = [threading.Thread(target=call) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    done = [answer for answer in answers if answer.status_code == 200]
    busy = [answer for answer in answers if answer.status_code == 409]
    assert len(done) + len(busy) == 20
    assert len([answer for answer in done if not replayed(answer)]) == 1
    assert len({answer.content for answer in done}) == 1
    for answer in busy:
        assert answer.json()["code"] == "idempotency_key_in_use"
        assert answer.headers["Retry-After"] == "1"
    assert Memory.objects.count() == 1


WAIT = {"Prefer": "wait=1"}


@pytest.fixture
def model(olga):
    """A language model that nobody asks, as no worker runs."""
    body = {"provider": "ollama", "config": {"model": "m", "ollama_base_url": "http://localhost"}}
    assert olga.put("/config/mem0/llm", body).status_code == 200


def interpose(monkeypatch, act):
    """Have something happen while a request waits for its job."""
    original = memory_view.wait

    def wait(job, seconds):
        act()
        return original(job, seconds)

    monkeypatch.setattr(memory_view, "wait", wait)


def test_a_request_that_waits_for_a_job_is_under_way_until_it_is_answered(
    alice, model, monkeypatch
):
    body, meanwhile = {"text": "Rex is brave"}, []

    def send_again_and_edit():
        meanwhile.append(alice.post("/memories", body, **KEY))
        Memory.objects.update(content="Rex is very brave")

    interpose(monkeypatch, send_again_and_edit)
    first = alice.post("/memories", body, **KEY, **WAIT)
    second = alice.post("/memories", body, **KEY, **WAIT)

    assert [answer.status_code for answer in meanwhile] == [409]
    assert meanwhile[0].headers["Retry-After"] == "1"
    assert first.json()["text"] == "Rex is very brave"
    assert first.json()["job"]
    assert same(first, second)
    assert Job.objects.filter(kind="infer").count() == 1


def test_one_that_is_killed_while_it_waits_has_the_answer_without_waiting(
    alice, model, monkeypatch
):
    def be_killed():
        raise KeyboardInterrupt

    interpose(monkeypatch, be_killed)
    body = {"text": "Rex is brave"}
    with pytest.raises(KeyboardInterrupt):
        alice.post("/memories", body, **KEY, **WAIT)

    answer = alice.post("/memories", body, **KEY, **WAIT)
    assert (answer.status_code, replayed(answer)) == (200, "true")
    assert answer.json()["text"] == "Rex is brave"
    assert Memory.objects.count() == 1


def test_one_whose_answer_was_given_to_somebody_gets_the_same(alice, model, monkeypatch):
    body, meanwhile = {"text": "Rex is brave"}, []

    def take_too_long():
        KeptAnswer.objects.update(awaited_until=timezone.now())
        meanwhile.append(alice.post("/memories", body, **KEY))
        Memory.objects.update(content="Rex is very brave")

    interpose(monkeypatch, take_too_long)
    first = alice.post("/memories", body, **KEY, **WAIT)

    assert replayed(meanwhile[0]) == "true"
    assert first.content == meanwhile[0].content
