"""Exports and summaries: by the language model of the configuration, and refused without one."""

import json

import pytest

from accounts.models import User
from configuration.fake import Fault
from jobs.models import Job
from jobs.runner import run_due
from mem0.models import Export
from mem0.views import exports
from operators.belongings import count_belongings

SCHEMA = {
    "$defs": {"Mood": {"enum": ["happy", "sad"], "type": "string"}},
    "type": "object",
    "title": "Person",
    "properties": {
        "name": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        "tea": {"type": "string", "description": "What they drink"},
        "age": {"type": "integer"},
        "weight": {"type": "number"},
        "mood": {"$ref": "#/$defs/Mood"},
        "homes": {"type": "array", "items": {"type": "object", "properties": {
            "town": {"type": "string"},
        }}},
    },
    "required": ["tea", "age", "weight", "mood", "homes"],
}  # fmt: skip
ANN = {"user_id": "ann"}


@pytest.fixture(autouse=True)
def wait_no_time(monkeypatch):
    monkeypatch.setattr(exports, "SUMMARY_SECONDS", 0)


def create(client, schema=SCHEMA, **fields):
    return client.post("/v1/exports/", {"schema": schema, "filters": ANN, **fields})


def get(client, **body):
    return client.post("/v1/exports/get/", body)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/exports/", {"schema": SCHEMA, "filters": ANN}),
        ("/v1/summary/", {"filters": ANN}),
        ("/v2/profiles/settings/", {"enabled": True}),
        (
            "/v2/profiles/jobs/",
            {"operation": "trigger", "entity_type": "user", "entity_id": "ann"},
        ),
    ],
)
def test_without_a_language_model_they_are_refused(shop, path, body):
    shop.add("I like tea", user_id="ann")

    answer = shop.post(path, body)

    assert answer.status_code == 400
    assert "language model" in answer.json()["detail"]
    assert not Job.objects.exists()


@pytest.mark.parametrize("is_text", [False, True])
def test_an_export_has_the_shape_that_was_asked_for(shop, llm, is_text):
    shop.add("I drink tea", "I am 30 and happy", user_id="ann")
    shop.add("I drink milk", user_id="bo")

    made = create(shop, json.dumps(SCHEMA) if is_text else SCHEMA, export_instructions="In rhyme")
    assert made.status_code == 201
    pk = made.json()["id"]
    assert get(shop, memory_export_id=pk).status_code == 202
    run_due()

    shown = get(shop, memory_export_id=pk)
    assert shown.status_code == 200
    assert shown.json() == {
        "name": None,
        "tea": "I drink tea",
        "age": 30,
        "weight": 30,
        "mood": "happy",
        "homes": [{"town": None}, {"town": None}],
    }
    assert get(shop, filters=ANN).json() == shown.json()
    assert get(shop, user_id="ann").json() == shown.json()
    [body] = llm.bodies
    sent = json.dumps(body)
    assert "In rhyme" in body["messages"][0]["content"]
    assert "I drink tea" in sent
    assert "milk" not in sent


def test_an_export_reads_its_ids_at_the_top_as_well(shop, llm):
    shop.add("I drink tea", user_id="ann")

    answer = shop.post("/v1/exports/", {"schema": SCHEMA, "user_id": "ann"})

    assert answer.status_code == 201
    run_due()
    assert get(shop, user_id="ann").json()["tea"] == "I drink tea"


@pytest.mark.parametrize(
    "schema",
    [
        None, "", "{}", {}, 7, [], "nonsense", {"type": "object"}, {"type": "null"},
        {"type": "object", "properties": {"a": {"type": ["string", "integer"]}}},
        {"type": "object", "properties": {"a": {"oneOf": [{"type": "string"}, {"type": "array"}]}}},
        {"type": "object", "properties": {"a": {"$ref": "#"}}},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/none"}}},
        {"type": "object", "properties": {"a": {"type": "object", "additionalProperties": True}}},
        {"type": "object", "properties": {f"p{n}": {"type": "string"} for n in range(201)}},
        {"type": "object", "properties": {"a": {"type": "string", "description": "x" * 60_000}}},
        "[" * 5_000,
    ],
)  # fmt: skip
def test_a_schema_that_no_model_can_fill_is_refused(shop, llm, schema):
    shop.add("I drink tea", user_id="ann")

    answer = create(shop, schema)

    assert answer.status_code == 400, answer.content
    assert "schema" in answer.json()["detail"]
    assert not Export.objects.exists()


@pytest.mark.parametrize(
    "body",
    [{}, {"filters": {}}, {"filters": []}, {"filters": "ann"}, {"filters": {"colour": "red"}},
     {"filters": {"NOT": [ANN]}}, {"filters": ANN, "export_instructions": 7}],
)  # fmt: skip
def test_filters_that_name_nobody_are_refused(shop, llm, body):
    assert shop.post("/v1/exports/", {"schema": SCHEMA, **body}).status_code == 400


@pytest.mark.parametrize("body", [{"filters": {}}, {"filters": []}, {}])
def test_an_export_is_found_by_something(shop, llm, body):
    assert get(shop, **body).status_code == 400


def test_more_than_a_model_is_sent_is_refused(shop, llm, monkeypatch):
    monkeypatch.setattr("mem0.material.MAX_MEMORIES", 1)
    shop.add("I drink tea", "I drink milk", user_id="ann")

    assert "Narrow" in create(shop).json()["detail"]
    assert shop.post("/v1/summary/", {"filters": ANN}).status_code == 400


def test_another_account_and_other_keys_read_no_export(shop, rival, llm):
    shop.add("I drink tea", user_id="ann")
    pk = create(shop).json()["id"]
    run_due()

    for client in (rival, shop.with_key(app_name="desk"), shop.with_key(is_pinned=True)):
        assert get(client, memory_export_id=pk).status_code == 404
        assert get(client, filters=ANN).status_code in (403, 404)
    assert get(shop.with_key(scopes=["write"]), memory_export_id=pk).status_code == 403
    assert get(shop.with_key(scopes=["read"]), memory_export_id=pk).status_code == 403
    assert get(shop, memory_export_id="x").status_code == 404
    assert get(shop, memory_export_id=[pk]).status_code == 404
    # Nor by the job, which has no text.
    assert "tea" not in shop.member.get("/jobs").content.decode()


def test_an_export_that_fails_says_why(shop, llm):
    shop.add("I drink tea", user_id="ann")
    llm.fault = Fault.MISFIT
    pk = create(shop).json()["id"]
    run_due()

    answer = get(shop, memory_export_id=pk)

    assert answer.status_code == 503
    assert "unusable" in answer.json()["detail"]


def test_what_was_deleted_meanwhile_is_not_exported(shop, llm):
    [tea, _] = shop.add("I drink tea", "I am happy", user_id="ann")
    create(shop)
    shop.delete(f"/v1/memories/{tea}/")
    run_due()

    assert "drink" not in json.dumps(llm.bodies[-1]["messages"][-1])


def test_an_export_is_gone_once_a_memory_of_it_is_deleted(shop, llm):
    [tea] = shop.add("I drink tea", user_id="ann")
    pk = create(shop).json()["id"]
    run_due()
    assert get(shop, memory_export_id=pk).status_code == 200

    shop.delete(f"/v1/memories/{tea}/")

    answer = get(shop, memory_export_id=pk)
    assert (answer.status_code, "deleted" in answer.json()["detail"]) == (404, True)


def test_an_export_goes_with_each_of_its_users(shop, llm):
    shop.add("I drink tea", user_id="ann")
    shop.add("I drink tea", user_id="bo")
    create(shop, filters={"user_id": "*"})
    run_due()

    assert count_belongings(User.objects.get(external_id="bo"))["Export"] == 1


def test_a_summary_is_made_once_of_the_same_memories(shop, rival, llm):
    shop.add("I drink tea", user_id="ann")
    body = {"filters": ANN}

    assert shop.post("/v1/summary/", body).status_code == 202
    run_due()
    answer = shop.post("/v1/summary/", body)
    assert (answer.status_code, answer.json()) == (200, [{"summary": "I drink tea"}])
    shop.add("I am happy", user_id="ann")
    assert shop.post("/v1/summary/", body).status_code == 202
    assert llm.calls["/chat/completions"] == 1
    assert rival.post("/v1/summary/", body).status_code == 202  # of its own ann, who is nobody
    assert shop.post("/v1/summary/", {}).status_code == 400
    assert shop.with_key(scopes=["write"]).post("/v1/summary/", body).status_code == 403


def test_a_summary_that_failed_is_asked_for_again(shop, llm):
    shop.add("I drink tea", user_id="ann")
    llm.fault = Fault.MISFIT
    shop.post("/v1/summary/", {"filters": ANN})
    run_due()
    llm.fault = None

    assert shop.post("/v1/summary/", {"filters": ANN}).status_code == 202
    run_due()
    assert shop.post("/v1/summary/", {"filters": ANN}).json() == [{"summary": "I drink tea"}]
