"""Who comes into the admin, and what its cookies do not open."""

import pytest
from django.core.cache import caches
from django.test import Client

from accounts.models import User
from tests.admin.conftest import PASSWORD

SIGN_IN = "/admin/login/"


def sign_in(client, user_id, password=PASSWORD):
    return client.post(SIGN_IN, {"username": user_id, "password": password, "next": "/admin/"})


def test_an_operator_signs_in_and_sees_the_dashboard(client, root):
    answer = sign_in(client, "root")

    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")
    assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize(
    "fields",
    [{"is_staff": False}, {"is_staff": True, "is_active": False}],
    ids=["no operator", "deactivated"],
)
def test_nobody_else_does(client, db, fields):
    User.objects.create_user("dora", PASSWORD, **fields)

    assert sign_in(client, "dora").status_code == 200
    assert client.get("/admin/").status_code == 302


def test_a_user_without_a_password_does_not_either(client, db):
    User.objects.create_user("dora", is_staff=True)

    for password in ("", "!", "None"):
        assert sign_in(client, "dora", password).status_code == 200
    assert client.get("/admin/").status_code == 302


def test_an_operator_who_is_deactivated_is_out_at_once(browser, root):
    assert browser.get("/admin/").status_code == 200

    User.objects.filter(pk=root.pk).update(is_active=False)

    assert browser.get("/admin/").status_code == 302


def test_a_sign_in_without_a_token_is_refused(root):
    client = Client(enforce_csrf_checks=True)

    answer = sign_in(client, "root")

    assert answer.status_code == 403
    assert "not sent from a page of this server" in answer.content.decode()


def test_signing_in_too_often_is_refused_whatever_the_password(client, root, settings):
    caches["limits"].clear()
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "sign_ins": (2, 86_400)}

    answers = [sign_in(client, "root", password) for password in ("a", "b", PASSWORD)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert client.get("/admin/").status_code == 302
    caches["limits"].clear()


@pytest.mark.parametrize("path", ["/api/v1/memories", "/api/v1/users", "/api/v1/config"])
def test_a_session_opens_nothing_of_the_api(browser, path):
    assert browser.get("/admin/").status_code == 200

    answer = browser.get(path)

    assert (answer.status_code, answer.json()["code"]) == (401, "key_missing")


def test_a_session_opens_nothing_for_agents(browser):
    answer = browser.post("/mcp", "{}", content_type="application/json")

    assert answer.status_code == 401


def test_a_browser_sends_the_cookies_to_no_other_address(client, root):
    sign_in(client, "root")

    assert {(name, cookie["path"]) for name, cookie in client.cookies.items()} == {
        ("openmemory_session", "/admin"),
        ("openmemory_csrf", "/admin"),
    }
    session = client.cookies["openmemory_session"]
    assert (session["httponly"], session["samesite"]) == (True, "Lax")


def test_a_call_of_the_api_looks_for_no_session(browser, alice, django_assert_num_queries):
    browser.get("/admin/")
    headers = {"Authorization": f"Bearer {alice.secret}"}
    browser.get("/api/v1/users/me", headers=headers)

    with django_assert_num_queries(1):  # the key
        answer = browser.get("/api/v1/users/me", headers=headers)

    assert answer.json()["user_id"] == "alice"
    assert "Set-Cookie" not in answer.headers
