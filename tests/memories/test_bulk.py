"""Many memories at once: as if they were stored one after another, all or none."""

import pytest
from django.conf import settings

from accounts.models import KeptAnswer
from apps_registry.models import AccessRule, App
from jobs.models import Job
from memories.models import Embedding, Memory, StateChange
from tests.cast import errors_of

KEY = {"Idempotency-Key": "import-7"}

TEXTS = [
    "Rex is afraid of thunder",
    "rex  IS afraid of Thunder",
    "My doctor told me to drink less coffee",
    "Ana: I like tea",
    "Bo: I like coffee",
    "Ana: Not me",
    "Bo: I know",
    "Ana: I like tea",
    "Coffee: no sugar",
]


def shown(member):
    """All that a user has, without what differs by moment."""
    rows = Memory.objects.owned_by(member.user).order_by("arrival").with_relations()
    return [
        (
            row.content, row.actor, row.conversation, row.app.name, row.metadata, row.state,
            row.category_names, row.embeddings.count(), row.state_changes.count(),
        )
        for row in rows
    ]  # fmt: skip


def events(answer):
    assert answer.status_code == 200, answer.content
    return [result["event"] for result in answer.json()["results"]]


@pytest.mark.parametrize("infer", [True, False])
@pytest.mark.parametrize("denied", [False, True])
def test_they_are_stored_as_one_after_another(alice, bob, infer, denied):
    bodies = [
        {"text": text, "infer": infer, "app": "notes", "metadata": {"n": n}, "conversation": "c"}
        for n, text in enumerate(TEXTS)
    ]
    for member in (alice, bob):
        old = member.remember(TEXTS[2], app="notes")
        if denied:
            app = App.objects.get(owner=member.user, name="notes")
            AccessRule.objects.create(app=app, effect="deny", memory_id=old["id"])

    one_by_one = [alice.post("/memories", body).json()["event"] for body in bodies]
    at_once = bob.post("/memories/bulk", {"memories": bodies})

    assert events(at_once) == one_by_one
    assert shown(alice) == shown(bob)


def test_each_result_has_its_place_and_id(alice):
    bodies = [{"text": "Rex is brave"}, {"messages": {"role": "user", "content": "I am Ana"}}]
    results = alice.post("/memories/bulk", {"memories": bodies}).json()["results"]

    assert [sorted(result) for result in results] == [["event", "id", "index", "job", "status"]] * 2
    assert [result["index"] for result in results] == [0, 1]
    assert alice.get(f"/memories/{results[1]['id']}").json()["text"] == "user: I am Ana"
    change = StateChange.objects.get(memory=results[0]["id"])
    assert (change.key, change.changed_by, change.app.name) == (alice.key, alice.user, "openmemory")
    hit = alice.post("/memories/search", {"query": "Who is brave?"}).json()["results"][0]
    assert hit["id"] == results[0]["id"]


BAD = [{"text": "good"}, {"text": ""}, {"text": "a", "tekst": "b"}, {"text": "b", "app": "paused"}]


def test_all_or_none_are_stored(alice):
    App.objects.create(owner=alice.user, name="paused", is_active=False)
    answer = alice.post("/memories/bulk", {"memories": BAD})

    assert (answer.status_code, answer.json()["code"]) == (403, "app_paused")
    assert errors_of(answer) == {
        ("body", "memories", "1", "text"),
        ("body", "memories", "2", "tekst"),
        ("body", "memories", "3"),
    }
    assert not Memory.objects.exists()
    answer = alice.post("/memories/bulk", {"memories": BAD[:3], "atomic": True})
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_field")
    assert "Did you mean `text`" in answer.json()["detail"]
    assert not Memory.objects.exists()


def test_each_for_itself_is_stored_or_refused(alice):
    App.objects.create(owner=alice.user, name="paused", is_active=False)
    answer = alice.post("/memories/bulk", {"memories": BAD, "atomic": False})

    results = answer.json()["results"]
    assert [(result["index"], result["status"]) for result in results] == [
        (0, 200), (1, 400), (2, 400), (3, 403),
    ]  # fmt: skip
    assert results[2]["code"] == "unknown_field"
    assert results[2]["errors"][0]["loc"] == ["body", "memories", 2, "tekst"]
    assert results[3]["code"] == "app_paused"
    assert [memory.content for memory in Memory.objects.all()] == ["good"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"memories": []},
        {"memories": None},
        {"memories": {"text": "a"}},
        {"memories": "a"},
        {"memories": ["a"]},
        {"memories": [{"text": "a"}] * 1001},
        {"memories": [{"text": "a"}], "atomic": "yes"},
        {"memories": [{"text": "a"}], "atomik": True},
        {"memories": [{"text": "a", "user_id": "bob"}]},
        {"memories": [{"text": "a", "messages": []}]},
        {"memories": [{"text": "a"}], "metadata": {}},
    ],
)
def test_other_bodies_are_refused(alice, body):
    assert alice.post("/memories/bulk", body).status_code == 400
    assert not Memory.objects.exists()


def test_an_operator_names_the_user_of_all_once(alice, olga):
    body = {"memories": [{"text": "a", "user_id": "alice"}, {"text": "b"}], "user_id": "alice"}

    assert events(olga.post("/memories/bulk", body)) == ["ADD", "ADD"]
    assert Memory.objects.owned_by(alice.user).count() == 2


def test_a_bound_key_stores_as_its_app_alone(alice):
    bound = alice.with_key(app_name="notes", scopes=["write"])
    body = {"memories": [{"text": "a"}, {"text": "b", "app": "mail"}], "atomic": False}
    results = bound.post("/memories/bulk", body).json()["results"]

    assert sorted(results[0]) == ["event", "id", "index", "job", "status"]
    assert (results[1]["status"], results[1]["code"]) == (403, "key_bound_to_app")


def test_a_body_may_be_larger_than_others(alice):
    texts = [{"text": f"{n} " + "x" * 2000, "infer": False} for n in range(600)]
    body = {"memories": texts[:1]}
    assert alice.post("/memories/bulk", body).status_code == 200
    answer = alice.post("/memories/bulk", {"memories": [{"text": "x" * settings.MAX_BODY_BYTES}]})
    assert answer.status_code == 400
    answer = alice.post("/memories/bulk", {"memories": [{"text": "x" * 9 * 1024**2}]})
    assert answer.status_code == 413


def test_the_number_of_statements_does_not_grow(alice, django_assert_max_num_queries):
    bodies = [{"text": f"My {n}th plant needs water every {n} days"} for n in range(30)]
    with django_assert_max_num_queries(35):
        answer = alice.post("/memories/bulk", {"memories": bodies})
    assert events(answer) == ["ADD"] * 30
    assert Embedding.objects.count() == 30


def test_a_repeated_bulk_is_done_once(alice):
    body = {"memories": [{"text": "a", "infer": False}, {"text": "b", "infer": False}]}
    first = alice.post("/memories/bulk", body, **KEY)
    second = alice.post("/memories/bulk", body, **KEY)

    assert second.headers["Idempotency-Replayed"] == "true"
    assert first.json() == second.json()
    assert Memory.objects.count() == 2
    failed = {"memories": [{"text": ""}]}
    assert alice.post("/memories/bulk", failed, **{"Idempotency-Key": "x"}).status_code == 400
    assert KeptAnswer.objects.count() == 1


def test_each_that_a_model_works_on_has_its_job(alice, olga):
    model = {"provider": "ollama", "config": {"model": "m", "ollama_base_url": "http://localhost"}}
    assert olga.put("/config/mem0/llm", model).status_code == 200
    bodies = [{"text": "a"}, {"text": "b", "infer": False}, {"text": "a"}, {"text": "c"}]
    results = alice.post("/memories/bulk", {"memories": bodies}).json()["results"]

    jobs = [result["job"] for result in results]
    assert [bool(job) for job in jobs] == [True, False, False, True]
    job = Job.objects.get(pk=jobs[3].rpartition("/")[2])
    assert job.parameters == {"memory_id": results[3]["id"]}
    assert (job.kind, job.owner, job.app_name) == ("infer", alice.user, "openmemory")
    assert alice.get(jobs[0].removeprefix("/api/v1")).json()["state"] == "queued"


@pytest.mark.parametrize("denied", [False, True])
def test_terms_and_supersession_count_as_one_after_another(alice, bob, denied):
    answers = []
    for member in (alice, bob):
        old = member.remember("Ada lives in Porto", app="notes")
        other = member.remember("Ada has a secret")
        if denied:
            app = App.objects.get(owner=member.user, name="notes")
            AccessRule.objects.create(app=app, effect="deny", memory_id=other["id"])
        bodies = [
            {"text": "Ada lives in Porto", "expires_at": 4_000_000_000},
            {"text": "Ada lives in Porto", "expires_at": 4_000_000_000},
            {"text": "Ada lives in Rome", "supersedes": [old["id"]], "valid_from": 5},
            {"text": "Ada lives in Porto"},
            {"text": "Ada lives in Rome", "supersedes": [old["id"]], "valid_from": 5},
            {"text": "It is gone", "expires_at": 5},
            {"text": "It is gone", "expires_at": 5},
        ]
        bodies = [{**body, "app": "notes"} for body in bodies]
        if member is alice:
            answers.append([alice.post("/memories", body).json()["event"] for body in bodies])
        else:
            answers.append(events(bob.post("/memories/bulk", {"memories": bodies})))

    one_by_one, at_once = answers
    assert at_once == one_by_one == ["ADD", "DUPLICATE", "ADD", "ADD", "DUPLICATE", "ADD", "ADD"]
    superseded = Memory.objects.exclude(superseded_by=None).values_list("content", "state")
    assert list(superseded) == [("Ada lives in Porto", "archived")] * 2
    assert shown(alice) == shown(bob)


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ({"valid_from": 5, "valid_until": 5}, 400, "never_valid"),
        ({"expires_at": "2030-01-01T00:00:00"}, 400, "invalid_time"),
        ({"supersedes": ["00000000-0000-4000-8000-000000000000"]}, 404, "memory_not_found"),
        ({"supersedes": ["{fixed}"]}, 409, "memory_immutable"),
    ],
)
def test_wrong_terms_are_those_of_one_memory(alice, wrong, status, code):
    fixed = alice.remember("The code is 4711", immutable=True)["id"]
    if wrong.get("supersedes") == ["{fixed}"]:
        wrong = {"supersedes": [fixed]}
    bodies = [{"text": "One"}, {"text": "Two", **wrong}]

    refused = alice.post("/memories/bulk", {"memories": bodies})
    stored = alice.post("/memories/bulk", {"memories": bodies, "atomic": False})

    assert refused.status_code == status
    assert {place[:3] for place in errors_of(refused)} == {("body", "memories", "1")}
    first, second = stored.json()["results"]
    assert (first["event"], second["status"]) == ("ADD", status)
    assert code in (second["code"], *(error["code"] for error in second.get("errors", ())))
    assert Memory.objects.count() == 2


def test_what_supersedes_an_unknown_memory_is_named_by_its_place(alice):
    unknown = "00000000-0000-4000-8000-000000000000"
    bodies = [{"text": "One"}, {"text": "Two", "supersedes": [unknown]}]

    refused = alice.post("/memories/bulk", {"memories": bodies}).json()

    assert refused["detail"] == f"`memories.1.supersedes`: Memory not found: {unknown}."
    assert [error["loc"] for error in refused["errors"]] == [["body", "memories", 1, "supersedes"]]


def test_one_that_supersedes_what_is_not_there_is_refused_alone(alice):
    missing = "00000000-0000-0000-0000-000000000001"
    bodies = [{"text": "a"}, {"text": "b", "supersedes": [missing]}, {"text": "c"}]

    assert alice.post("/memories/bulk", {"memories": bodies}).status_code == 404
    assert not Memory.objects.exists()
    body = {"memories": bodies, "atomic": False}
    for _ in range(2):
        results = alice.post("/memories/bulk", body, **KEY).json()["results"]
        assert [result["status"] for result in results] == [200, 404, 200]
        assert results[1]["errors"][0]["loc"] == ["body", "memories", 1, "supersedes"]
    assert Memory.objects.count() == 2
