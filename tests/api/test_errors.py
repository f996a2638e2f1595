import uuid

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.urls("tests.api.urls")

MEMBERS = {"type", "title", "status", "detail", "code", "request_id"}
OUTCOMES = [
    ("malformed", 400, "malformed"),
    ("malformed-field", 400, "malformed"),
    ("not-allowed", 403, "forbidden"),
    ("not-found", 404, "not_found"),
    ("conflict", 409, "conflict"),
    ("unavailable", 503, "unavailable"),
    ("http-404", 404, "not_found"),
    ("permission-denied", 403, "forbidden"),
    ("bad-request", 400, "malformed"),
    ("suspicious", 400, "malformed"),
    ("host", 400, "host_not_allowed"),
    ("too-many-fields", 400, "too_many_fields"),
    ("too-big", 413, "body_too_large"),
    ("unreadable", 400, "malformed"),
    ("operational", 503, "unavailable"),
    ("interface", 503, "unavailable"),
    ("broker", 503, "unavailable"),
    ("throttled", 429, "rate_limited"),
    ("anything", 500, "internal_error"),
]
# What Django knows is a problem also where no view of DRF is about.
DJANGOS_OWN = ["http-404", "permission-denied", "bad-request", "suspicious", "host", "anything"]


@pytest.mark.parametrize(("name", "status", "code"), OUTCOMES)
def test_every_error_is_a_problem_that_shows_no_internals(client, name, status, code):
    answer = client.get(f"/api/v1/raises/{name}", headers={"X-Request-ID": "mine"})

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert set(problem) - {"errors"} == MEMBERS
    assert problem["type"] == "about:blank"
    assert problem["title"] == answer.reason_phrase
    assert problem["status"] == status
    assert problem["code"] == code
    assert problem["detail"].endswith(".")
    assert problem["request_id"] == "mine"
    assert b"internal reason" not in answer.content
    assert b"ecret" not in answer.content


@pytest.mark.parametrize("name", DJANGOS_OWN)
def test_an_error_outside_of_drf_is_the_same_problem(client, name):
    inside = client.get(f"/api/v1/raises/{name}", headers={"X-Request-ID": "mine"})
    outside = client.get(f"/api/v1/raises-outside/{name}", headers={"X-Request-ID": "mine"})

    assert outside.status_code == inside.status_code
    assert outside.json() == inside.json()


def test_a_500_is_logged_with_its_traceback_and_request_id(client, caplog):
    client.get("/api/v1/raises/anything", headers={"X-Request-ID": "mine"})

    [record] = [record for record in caplog.records if record.exc_info]
    assert record.name == "django.request"
    assert str(record.exc_info[1]) == "secret internals"


def test_a_page_of_the_admin_does_not_get_problems(client):
    answer = client.get("/page/anything")

    assert answer.status_code == 500
    assert answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("name", ["unavailable", "operational", "broker"])
def test_what_is_away_for_now_says_when_to_try_again(client, name):
    assert int(client.get(f"/api/v1/raises/{name}").headers["Retry-After"]) > 0


def test_too_many_requests_say_when_to_try_again_in_whole_seconds(client):
    assert client.get("/api/v1/raises/throttled").headers["Retry-After"] == "3"


def test_a_malformed_field_is_placed_by_its_path(client):
    problem = client.post("/api/v1/raises/malformed-field").json()

    assert problem["errors"] == [
        {"loc": ["body", "paint", "colour"], "code": "malformed", "detail": "That is no colour."}
    ]


def test_a_field_is_placed_where_it_came_from(client):
    read = client.get("/api/v1/raises/malformed-field").json()
    sent = client.post("/api/v1/raises/malformed-field?paint.colour=x").json()

    assert [error["loc"][0] for error in read["errors"]] == ["query"]
    assert [error["loc"][0] for error in sent["errors"]] == ["query"]


def test_a_models_own_validation_is_a_refusal(client):
    problem = client.post("/api/v1/raises/django-validation").json()

    assert problem["status"] == 400
    assert problem["errors"] == [
        {"loc": ["body", "colour"], "code": "invalid", "detail": "That is no colour."}
    ]


def test_every_wrong_field_is_named(client):
    body = {"name": "long", "numbers": [1, "x"], "parts": [{"size": 1}, {"size": "x"}], "main": 5}

    answer = client.post("/api/v1/validates", body, content_type="application/json")

    assert answer.status_code == 400
    problem = answer.json()
    assert problem["code"] == "validation_failed"
    assert {tuple(error["loc"]): error["code"] for error in problem["errors"]} == {
        ("body", "name"): "max_length",
        ("body", "numbers", 1): "invalid",
        ("body", "parts", 1, "size"): "invalid",
        ("body", "main"): "invalid",
    }
    assert problem["detail"] == "4 fields are invalid: `name`, `numbers.1`, `parts.1.size`, `main`."


def test_of_very_many_wrong_fields_the_first_are_named_and_all_are_counted(client):
    body = {"name": "abc", "numbers": ["x"] * 20_000, "parts": [], "main": {"size": 2}}

    problem = client.post("/api/v1/validates", body, content_type="application/json").json()

    assert [error["loc"] for error in problem["errors"]] == [
        ["body", "numbers", index] for index in range(100)
    ]
    assert problem["detail"].startswith("20000 fields are invalid: `numbers.0`, `numbers.1`, ")
    assert problem["detail"].endswith("`numbers.9` and 19990 more.")


def test_what_is_wrong_with_no_one_field_is_placed_at_the_body(client):
    body = {"name": "abc", "numbers": [], "parts": [], "main": {"size": 1}}

    problem = client.post("/api/v1/validates", body, content_type="application/json").json()

    assert problem["errors"] == [
        {"loc": ["body"], "code": "contradiction", "detail": "These do not go together."}
    ]
    assert problem["detail"] == "These do not go together."


def test_a_single_wrong_field_is_the_detail(client):
    problem = client.get("/api/v1/validates?size=x").json()

    assert problem["errors"] == [
        {"loc": ["query", "size"], "code": "invalid", "detail": "A valid integer is required."}
    ]
    assert problem["detail"] == "`size`: A valid integer is required."


@pytest.mark.parametrize("id", ["x", "x.y", "%ff", "%00", "é", "0", "a" * 2000])
def test_a_malformed_id_is_answered_like_an_unknown_one(client, alice, id):
    headers = {"X-Request-ID": "same", "Authorization": f"Bearer {alice.secret}"}

    unknown = client.get(f"/api/v1/secrets/{uuid.uuid4()}", headers=headers)
    malformed = client.get(f"/api/v1/secrets/{id}", headers=headers)

    assert (malformed.status_code, malformed.json()) == (404, unknown.json())
    assert malformed.headers["Content-Type"] == unknown.headers["Content-Type"]


def test_without_a_key_a_malformed_id_is_refused_for_that(client, db):
    for id in ("x", str(uuid.uuid4())):
        answer = client.get(f"/api/v1/secrets/{id}")
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.json()["code"] == "key_missing"


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/v1/", "/api/v1/nothing", "/api/v2/echo"])
def test_an_address_that_is_nothing_is_a_problem(client, path):
    answer = client.get(path)

    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


@pytest.mark.parametrize("method", ["PATCH", "TRACE", "PURGE"])
def test_a_method_that_is_not_there_is_405_and_says_which_are(client, method):
    answer = client.generic(method, "/api/v1/roomy")

    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST, OPTIONS"
    assert answer.json()["code"] == "method_not_allowed"


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "text/*;q=0.5", "x", "/", "*"])
def test_an_answer_that_cannot_be_had_is_406(client, accept):
    answer = client.get("/api/v1/echo", headers={"Accept": accept})

    assert answer.status_code == 406
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "not_acceptable"


@pytest.mark.parametrize("accept", ["application/json", "*/*", "text/html, */*;q=0.1"])
def test_an_answer_is_compact_json(client, accept):
    answer = client.get("/api/v1/echo?a=é", headers={"Accept": accept})

    assert answer.headers["Content-Type"] == "application/json"
    assert answer.content == '{"query":{"a":"é"}}'.encode()


@pytest.mark.slow
@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=255), max_size=60))
def test_no_header_at_all_breaks_an_answer(value):
    client = Client(raise_request_exception=False)

    for name in ("Accept", "Content-Type", "Authorization", "Origin", "X-Request-ID", "Host"):
        environ = {"CONTENT_TYPE": value} if name == "Content-Type" else {}
        answer = client.generic(
            "POST", "/api/v1/echo", b'{"a": 1}', headers={name: value}, **environ
        )
        assert answer.status_code in (200, 400, 406, 415)


def test_a_host_that_is_not_ours_is_a_problem(client):
    answer = client.get("/api/v1/echo", headers={"Host": "evil.example"})

    assert answer.status_code == 400
    assert answer.json()["code"] == "host_not_allowed"


def test_options_tell_the_methods(client):
    answer = client.options("/api/v1/echo")

    assert answer.json() == {
        "methods": ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
    }


def test_head_answers_like_get_without_a_body(client):
    answer = client.head("/api/v1/echo")

    assert answer.status_code == 200
    assert answer.content == b""
