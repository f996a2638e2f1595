"""No cache keeps what an answer says of a user, and no browser runs an answer as a page."""

import pytest

API = [
    ("get", "/memories"), ("get", "/apps"), ("get", "/stats"), ("get", "/config"), ("get", "/jobs"),
    ("get", "/keys"), ("get", "/categories"), ("get", "/no-such-path"), ("post", "/memories"),
    ("get", "/memories/not-an-id"), ("delete", "/memories"), ("post", "/memories/search"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), API)
@pytest.mark.parametrize("has_key", [True, False])
def test_no_answer_of_the_api_is_kept(alice, anonymous, has_key, method, path):
    if has_key:
        response = alice._call(method, path, None if method == "get" else {})
    else:
        response = getattr(anonymous, method)(f"/api/v1{path}")

    assert "no-store" in response["Cache-Control"]
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["X-Frame-Options"] == "DENY"
    assert response["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize(
    "path", ["/admin/login/", "/admin/", "/admin", "/", "/health/live", "/metrics", "/mcp", "/x"]
)
def test_no_other_answer_about_a_user_is_kept_either(client, db, path):
    assert "no-store" in client.get(path)["Cache-Control"]


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/admin/login/"])
def test_pages_have_a_policy_of_their_own(client, db, path):
    policy = client.get(path)["Content-Security-Policy"]

    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy


def test_what_is_the_same_for_everybody_may_be_kept(client, db):
    assert "no-store" not in client.get("/api/schema").headers.get("Cache-Control", "")


def test_a_rejected_or_preflight_request_has_the_headers_too(client, db, settings):
    settings.CORS_ALLOWED_ORIGINS = ["http://page.example"]
    response = client.options(
        "/api/v1/memories",
        headers={"Origin": "http://page.example", "Access-Control-Request-Method": "GET"},
    )

    assert response["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in response["Cache-Control"]


def test_behind_https_browsers_are_told_to_stay_there(client, db, settings):
    settings.SECURE_HSTS_SECONDS = 60

    client.handler.load_middleware()  # Django's middleware reads its settings once

    assert client.get("/api/v1/x", secure=True)["Strict-Transport-Security"] == "max-age=60"
