import pytest
from django.test import Client

pytestmark = pytest.mark.urls("tests.api.urls")

ORIGIN = "https://page.example"
EXPOSED = {"Retry-After", "Location", "Content-Disposition", "RateLimit", "X-Request-ID"}


def preflight(client: Client, path="/api/v1/echo", origin=ORIGIN):
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "authorization,prefer",
    }
    return client.options(path, headers=headers)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/echo", 200),
        ("/api/v1/echo/", 200),
        ("/api/v1/raises/malformed", 400),
        ("/api/v1/secrets/x", 401),
        ("/api/v1/nothing", 404),
        ("/api/v1/roomy", 405),
        ("/api/v1/raises/too-big", 413),
        ("/api/v1/raises/throttled", 429),
        ("/api/v1/raises/anything", 500),
        ("/api/v1/raises-outside/anything", 500),
        ("/api/v1/raises/operational", 503),
    ],
)
def test_a_page_of_any_origin_may_read_every_answer(client, db, path, status):
    answer = client.get(path, headers={"Origin": ORIGIN})

    assert answer.status_code == status
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert set(answer.headers["Access-Control-Expose-Headers"].split(", ")) >= EXPOSED
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_a_host_that_is_not_ours_and_a_body_that_is_too_large_can_be_read_too(client):
    host = client.get("/api/v1/echo", headers={"Origin": ORIGIN, "Host": "evil.example"})
    body = client.post("/api/v1/echo", headers={"Origin": ORIGIN}, CONTENT_LENGTH="9" * 12)

    assert (host.status_code, body.status_code) == (400, 413)
    assert host.headers["Access-Control-Allow-Origin"] == "*"
    assert body.headers["Access-Control-Allow-Origin"] == "*"


def test_a_preflight_needs_no_key_and_allows_every_method_and_header(client):
    answer = preflight(client, "/api/v1/secrets/x")

    assert answer.status_code == 200
    assert answer.content == b""
    methods = set(answer.headers["Access-Control-Allow-Methods"].split(", "))
    assert methods == {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"}
    headers = set(answer.headers["Access-Control-Allow-Headers"].split(", "))
    assert headers >= {"*", "authorization", "content-type", "prefer", "x-request-id"}
    assert int(answer.headers["Access-Control-Max-Age"]) > 0


def test_the_origins_can_be_narrowed(client, settings):
    settings.CORS_ALLOW_ALL_ORIGINS = False
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]

    allowed = preflight(client)
    refused = preflight(client, origin="https://other.example")

    assert allowed.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "origin" in allowed.headers["Vary"].lower()
    assert "Access-Control-Allow-Origin" not in refused.headers


@pytest.mark.parametrize("path", ["/page/anything", "/nothing", "/apiary"])
def test_what_is_not_the_api_is_not_shared(client, path):
    answer = client.get(path, headers={"Origin": ORIGIN})

    assert "Access-Control-Allow-Origin" not in answer.headers
