"""Connections in the pages, in the admin, in housekeeping and in an erasure."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import ApiKey
from oauth.models import AuthorizationCode, Connection, OAuthClient
from oauth.models import oauth_connection as connections
from operators import chores
from operators.belongings import count_belongings, get_belongings
from tests.admin.memories import PRESSED
from tests.oauth.program import new_client


@pytest.fixture
def desk(olga):
    """Olga's browser, in the admin."""
    browser = Client()
    browser.force_login(olga.user)
    return browser


def test_a_person_sees_and_ends_connections(browser, program, agent_with):
    tokens = program.connect(browser, app="desk", access="read")
    key = ApiKey.objects.get(app_name="desk")
    before = browser.get("/settings").content.decode()

    answer = browser.post(f"/settings/connections/{key.pk}/end")

    assert "as the app “desk”" in before
    assert "only reads" in before
    assert answer["Location"] == "/settings"
    assert "as the app “desk”" not in browser.get("/settings").content.decode()
    assert agent_with(tokens["access_token"]).send("tools/list").status_code == 401
    assert browser.post(f"/settings/connections/{key.pk}/end").status_code == 404


def test_the_pages_of_connecting_speak_german(browser, program):
    german = {"Accept-Language": "de"}

    page = browser.get(program.address(), headers=german).content.decode()

    assert "hereinlassen?" in page
    assert "Erlauben" in page


def test_the_admin_lists_connections_and_ends_them(browser, program, desk, agent_with):
    tokens = program.connect(browser)
    connection = Connection.objects.get()
    listed = desk.get(reverse("admin:oauth_connection_changelist")).content.decode()
    shown = desk.get(reverse("admin:oauth_connection_change", args=[connection.pk]))

    desk.post(reverse("admin:oauth_connection_revoke", args=[connection.pk]), PRESSED)

    assert "Claude" in listed
    assert connection.resource in shown.content.decode()
    assert agent_with(tokens["access_token"]).send("tools/list").status_code == 401


def test_the_admin_blocks_a_client_and_allows_it_again(browser, program, desk, agent_with):
    tokens = program.connect(browser)
    code = program.get_code(browser)
    client = OAuthClient.objects.get()
    page = reverse("admin:oauth_oauthclient_change", args=[client.pk])
    assert client.client_id in desk.get(page).content.decode()

    desk.post(reverse("admin:oauth_oauthclient_block", args=[client.pk]), PRESSED)

    assert agent_with(tokens["access_token"]).send("tools/list").status_code == 401
    assert program.exchange(code).json()["error"] == "invalid_client"
    assert browser.get(program.address()).status_code == 400
    assert "blocked" in desk.get(page).content.decode()
    desk.post(reverse("admin:oauth_oauthclient_unblock", args=[client.pk]), PRESSED)
    assert program.connect(browser)["scope"] == "read write"
    assert agent_with(tokens["access_token"]).send("tools/list").status_code == 401


def test_a_key_that_waits_to_be_renewed_is_idle(browser, program, desk):
    program.connect(browser)
    ApiKey.objects.filter(app_name="claude").update(expires_at=timezone.now())
    key = ApiKey.objects.get(app_name="claude")

    page = desk.get(reverse("admin:accounts_apikey_change", args=[key.pk])).content.decode()

    assert "idle" in page


def test_housekeeping_removes_what_has_ended_long_ago(browser, program):
    program.connect(browser)
    AuthorizationCode.objects.update(created_at=timezone.now() - timedelta(days=2))
    old = timezone.now() - connections.SHOWN_FOR - timedelta(days=1)
    ApiKey.objects.filter(app_name="claude").update(renewable_until=old)
    chore = next(each for each in chores.CHORES if each.name == "sessions")
    due = chore.count_due()

    list(chore.run(nullcontext))

    assert (due["AuthorizationCode"], due["ApiKey"]) == (1, 1)
    assert not Connection.objects.exists()
    assert not AuthorizationCode.objects.exists()
    assert ApiKey.objects.exists()


def test_an_erasure_removes_a_persons_connections(browser, alice, bob, browser_of, program, olga):
    program.connect(browser)
    program.get_code(browser)
    program.connect(browser_of(bob))

    counted = count_belongings(alice.user)

    assert (counted["Connection"], counted["AuthorizationCode"]) == (1, 2)
    belongings = get_belongings([alice.user])
    assert belongings["Connection"].get().key.user == alice.user
    assert Connection.objects.count() == 2


def test_a_user_has_a_bounded_number_of_connections(browser, alice, program, monkeypatch):
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 2)
    tokens = [program.connect(browser) for _ in range(3)]

    assert Connection.objects.live().count() == 2
    assert program.refresh(tokens[0]["refresh_token"]).json()["error"] == "invalid_grant"
    assert program.refresh(tokens[2]["refresh_token"]).status_code == 200


def test_two_exchanges_of_a_connection_ask_a_bounded_number_of_statements(
    browser, program, django_assert_max_num_queries
):
    code = program.get_code(browser)

    with django_assert_max_num_queries(10):
        tokens = program.exchange(code).json()
    with django_assert_max_num_queries(7):
        program.refresh(tokens["refresh_token"])


def test_the_documents_ask_no_statement(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        new_client().get("/.well-known/oauth-authorization-server")


def test_a_stream_of_a_renewed_connection_goes_on(browser, program):
    """A stream asks whether its key is valid: renewing keeps the key."""
    tokens = program.connect(browser)
    pk = Connection.objects.get().pk

    program.refresh(tokens["refresh_token"])

    assert ApiKey.objects.valid().filter(pk=pk).exists()
    ApiKey.objects.get(pk=pk).revoke()
    assert not ApiKey.objects.valid().filter(pk=pk).exists()
