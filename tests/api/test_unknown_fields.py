"""What an operation does not take is refused by name, in every operation of the schema."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from core.api.documentation import openapi_document
from core.api.unknown_fields import explain_unknown, find_nearest
from tests.cast import Member

JSON = "application/json"
FORM = "multipart/form-data"


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    document: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def address(self) -> str:
        return "/api/v1" + self.path.format_map(_AnyId())

    @property
    def body_schemas(self) -> dict[str, dict[str, Any]]:
        content = self.document.get("requestBody", {}).get("content", {})
        return {media_type: each["schema"] for media_type, each in content.items()}


class _AnyId(dict):
    def __missing__(self, name: str) -> str:
        return "1" if name == "sequence" else str(uuid.UUID(int=1))


def operations() -> list[Operation]:
    return [
        Operation(method.upper(), path.removeprefix("/api/v1"), document)
        for path, methods in openapi_document()["paths"].items()
        if path.startswith("/api/v1/")
        for method, document in methods.items()
    ]


def resolve(schema: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference, and the object of an optional one."""
    for inner in [*schema.get("oneOf", []), *schema.get("anyOf", []), *schema.get("allOf", [])]:
        if "$ref" in inner:
            schema = inner
    while "$ref" in schema:
        schema = openapi_document()["components"]["schemas"][schema["$ref"].split("/")[-1]]
    return schema


def objects(schema: dict[str, Any], path: tuple[str | int, ...] = ()) -> Iterator[tuple]:
    """Yield each object that a body can hold whose fields are known, with its path."""
    schema = resolve(schema)
    if schema.get("type") == "array" or "items" in schema:
        yield from objects(schema["items"], (*path, 0))
    elif "properties" in schema:
        yield path, schema
        for name, inner in schema["properties"].items():
            yield from objects(inner, (*path, name))


def nested(path: tuple[str | int, ...], value: Any) -> Any:
    for part in reversed(path):
        value = [value] if part == 0 else {part: value}
    return value


def send(secret: str | None, operation: Operation, query: str = "", body: Any = None) -> Any:
    client = APIClient(raise_request_exception=False)
    if secret:
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    address = operation.address + (f"?{query}" if query else "")
    if FORM in operation.body_schemas and isinstance(body, dict):
        form = {"file": SimpleUploadedFile("a.zip", b"PK"), **body}
        return client.generic(
            operation.method, address, *client._encode_data(form, format="multipart")
        )
    text = "" if body is None else json.dumps(body)
    return client.generic(operation.method, address, text, content_type=JSON)


every_operation = pytest.mark.parametrize("operation", operations(), ids=str)


def assert_unknown(answer: Any, *loc: str | int) -> None:
    assert answer.status_code == 400, answer.content
    problem = answer.json()
    assert problem["code"] == "unknown_field"
    assert {"loc": list(loc), "code": "unknown_field"}.items() <= _fault(problem, loc).items()
    assert f"`{loc[-1]}` is not known" in problem["detail"]


def _fault(problem: dict[str, Any], loc: tuple[str | int, ...]) -> dict[str, Any]:
    [fault] = [fault for fault in problem["errors"] if fault["loc"] == list(loc)]
    return fault


@every_operation
def test_no_operation_takes_an_unknown_query_parameter(operation, olga):
    assert_unknown(send(olga.secret, operation, "no_such=1"), "query", "no_such")


@every_operation
def test_no_operation_takes_an_unknown_field_of_a_body(operation, olga):
    assert_unknown(send(olga.secret, operation, body={"no_such": 1}), "body", "no_such")


@every_operation
def test_no_object_inside_a_body_takes_an_unknown_field(operation, olga):
    for schema in operation.body_schemas.values():
        for path, _ in objects(schema):
            body = nested((*path, "no_such"), 1)
            assert_unknown(send(olga.secret, operation, body=body), "body", *path, "no_such")


@every_operation
def test_the_schema_says_that_there_are_no_other_fields(operation):
    for schema in operation.body_schemas.values():
        for path, each in objects(schema):
            assert each["additionalProperties"] is False, path


@every_operation
def test_no_operation_takes_a_query_parameter_twice(operation, olga):
    names = [
        parameter["name"]
        for parameter in operation.document.get("parameters", [])
        if parameter["in"] == "query"
    ]
    for name in names:
        answer = send(olga.secret, operation, f"{name}=1&{name}=2")

        assert answer.status_code == 400
        fault = _fault(answer.json(), ("query", name))
        assert fault["code"] == "repeated"


# A key follows the job of its own request.
OF_ANY_SCOPE = {"GET /jobs/{job_id}"}


@every_operation
def test_a_key_is_asked_for_before_names_are_looked_at(operation, alice):
    keys = [alice.with_key(scopes=[scope]).secret for scope in ("read", "write")]

    def status(secret):
        return send(secret, operation, "no_such=1", {"no_such": 1}).status_code

    assert status(None) == 401
    assert 403 in [status(secret) for secret in keys] or str(operation) in OF_ANY_SCOPE


def test_a_method_that_an_address_does_not_have_is_405_whatever_it_is_sent(alice):
    answer = alice.put("/memories?no_such=1", {"no_such": 1})

    assert answer.status_code == 405


@pytest.mark.parametrize(
    ("body", "loc", "hint"),
    [
        ({"treshold": 0.9}, ["treshold"], "Did you mean `threshold`?"),
        ({"Query": "x"}, ["Query"], "Did you mean `query`?"),
        ({"topK": 3}, ["topK"], "Did you mean `top_k`?"),
        ({"app_ids": []}, ["app_ids"], "It belongs inside `filters`."),
        ({"App_Ids": []}, ["App_Ids"], "Did you mean `app_ids` inside `filters`?"),
        ({"app_ids[]": []}, ["app_ids[]"], "Did you mean `app_ids` inside `filters`?"),
        ({"category": "work"}, ["category"], "Did you mean `categories` inside `filters`?"),
        (
            {"filters": {"category": "work"}},
            ["filters", "category"],
            "Did you mean `categories`?",
        ),
        ({"filters": {"top_k": 3}}, ["filters", "top_k"], "It belongs beside `filters`."),
        ({"filters": {"rank": 5}}, ["filters", "rank"], "Known: "),
        ({"filters": {"AND": [{"rank": 5}]}}, ["filters", "AND"], "Known: "),
        ({"expires_at": 1}, ["expires_at"], "Known: "),
        ({"": 1}, [""], "Known: "),
        ({"x" * 5000: 1}, ["x" * 250 + "…" + "x" * 250], "Known: "),
    ],
)
def test_a_search_names_the_nearest_known_field(body, loc, hint, alice):
    problem = alice.post("/memories/search", {"query": "tea", **body}).json()

    assert problem["status"] == 400
    assert problem["code"] == "unknown_field"
    [fault] = problem["errors"]
    assert fault["loc"] == ["body", *loc]
    assert hint in fault["detail"]
    assert fault["detail"] in problem["detail"]


def test_a_misplaced_parameter_is_told_its_place(alice):
    in_query = alice.post("/memories/search?top_k=3", {"query": "tea"}).json()
    in_body = _get_with_body(alice, "/memories", {"page": 2}).json()

    assert "in the body" in in_query["errors"][0]["detail"]
    assert "It belongs in the query." in in_body["errors"][0]["detail"]


def _get_with_body(member: Member, path: str, body: Any) -> Any:
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {member.secret}")
    return client.generic("GET", f"/api/v1{path}", json.dumps(body), content_type=JSON)


def test_other_faults_are_named_beside_an_unknown_field(alice):
    problem = alice.post("/memories/search", {"qurey": "tea", "top_k": 0}).json()

    assert problem["code"] == "unknown_field"
    assert {error["loc"][1] for error in problem["errors"]} == {"qurey", "query", "top_k"}
    assert "`qurey` is not known. Did you mean `query`?" in problem["detail"]


def test_very_many_unknown_fields_are_refused_in_bounded_size(alice):
    body = {f"field_{number}": 1 for number in range(20_000)}

    answer = alice.post("/memories/search", {"query": "tea", **body})

    assert answer.status_code == 400
    assert len(answer.json()["errors"]) == 100


def test_metadata_is_free(alice):
    memory = alice.remember("I like tea", metadata={"treshold": 1, "deep": {"AND": [1]}})

    assert memory["metadata_"] == {"treshold": 1, "deep": {"AND": [1]}}


def test_the_field_that_the_originals_page_sends_is_taken(alice):
    memory = alice.remember("I like tea")
    body = {"memory_id": memory["id"], "memory_content": "I like coffee", "user_id": "alice"}

    assert alice.put(f"/memories/{memory['id']}", body).status_code == 200


def test_legacy_clients_may_send_anything(alice, settings):
    settings.LEGACY_CLIENTS = True

    body = {"query": "tea", "treshold": 1, "filters": {"category": "work"}}
    searched = alice.post("/memories/search?no_such=1&no_such=2", body)
    listed = alice.get("/memories", {"no_such": 1})

    assert (searched.status_code, listed.status_code) == (200, 200)


@pytest.mark.parametrize(
    "body",
    [
        '{"query": "tea", "query": "coffee"}',
        '{"query": "tea", "filters": {"actors": ["a"], "actors": ["b"]}}',
        '{"query": "tea", "qu\\u0065ry": "coffee"}',
    ],
)
def test_a_member_that_an_object_has_twice_is_refused(body, alice, settings):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {alice.secret}")

    def search():
        return client.generic("POST", "/api/v1/memories/search", body, content_type=JSON)

    answer = search()
    settings.LEGACY_CLIENTS = True
    assert search().status_code == 200

    assert answer.status_code == 400
    [fault] = answer.json()["errors"]
    assert fault["code"] == "repeated"
    assert "2 times" in fault["detail"]


@pytest.mark.parametrize(
    ("method", "path", "value"),
    [
        ("GET", "/memories?sort_column=id", "sort_column"),
        ("GET", "/memories?sort_direction=up", "sort_direction"),
        ("GET", "/apps?sort_by=age", "sort_by"),
        ("GET", "/apps?is_active=perhaps", "is_active"),
        ("GET", "/jobs?state=done", "state"),
        ("GET", "/jobs?kind=exprot", "kind"),
        ("POST", "/memories/filter", {"sort_column": "id"}),
        ("POST", "/memories/actions/pause", {"global_pause": True, "state": "deleted"}),
        ("POST", "/backup/export", {"include_vectors": "some"}),
    ],
)
def test_an_unknown_value_is_refused(method, path, value, alice):
    answer = alice.get(path) if method == "GET" else alice.post(path, value)

    assert answer.status_code == 400
    assert answer.json()["errors"]


@pytest.mark.parametrize(
    ("method", "path", "value", "detail"),
    [
        ("GET", "/apps?sort_direction=up", None, "Send `asc` or `desc`."),
        ("GET", "/apps?is_active=maybe", None, "Send `true` or `false`."),
        ("POST", "/memories/filter", {"sort_direction": ["asc"]}, "Send `asc` or `desc`."),
        (
            "POST",
            "/memories/actions/pause",
            {"global_pause": True, "state": "Paused"},
            "Send `paused`, `active` or `archived`.",
        ),
        (
            "POST",
            "/memories",
            {"messages": [{"role": "human", "content": "I like tea."}]},
            "Send `user`, `assistant`, `system`, `developer` or `tool`.",
        ),
        ("POST", "/memories/search", {"query": "tea", "filters": ["work"]}, "Send an object."),
        ("POST", "/memories", {"text": "tea", "metadata": []}, "Send an object."),
    ],
)
def test_the_error_names_the_values_that_are_taken(method, path, value, detail, alice):
    answer = alice.get(path) if method == "GET" else alice.post(path, value)

    assert [fault["detail"] for fault in answer.json()["errors"]] == [detail]


def test_the_parameters_of_a_list_are_named_once(alice):
    [fault] = alice.get("/apps", {"colour": "red"}).json()["errors"]

    assert fault["detail"].count("`user_id`") == 1


def test_a_name_is_compared_without_case_and_punctuation():
    assert find_nearest("Top-K", ["top_k", "query"]) == "top_k"
    assert find_nearest("x" * 65, ["x" * 64]) is None
    assert explain_unknown("colour", []) == (
        "`colour` is not known. There are no fields to send here."
    )
