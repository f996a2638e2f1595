"""Who comes to the pages of a person, and what their sessions do not open."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.cache import caches
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import PersonSession, SignInLink, User
from accounts.models.person_session import FRESH, IDLE, LONGEST, MAX_SESSIONS
from accounts.models.sign_in_link import MAX_LINKS
from tests.admin.test_users import PRESSED
from tests.pages.conftest import PASSWORD

COOKIE = "openmemory_person"


@pytest.fixture
def alice_with_password(alice):
    alice.user.set_password(PASSWORD)
    alice.user.save()
    return alice


def sign_in(client, user_id="alice", password=PASSWORD, **more):
    return client.post("/sign-in", {"user_id": user_id, "password": password, **more})


def text_of(answer):
    """What an answer says, without the token of its forms, which is always another one."""
    content = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", answer.content.decode())
    return content.replace("nobody", "alice")


def test_a_person_signs_in_with_a_password(client, alice_with_password):
    assert "Sign in" in client.get("/").content.decode()

    answer = sign_in(client)

    assert (answer.status_code, answer.headers["Location"]) == (302, "/memories")
    assert client.get("/memories").status_code == 200
    assert client.get("/").headers["Location"] == "/memories"


def test_the_cookie_is_for_pages_and_no_script(client, alice_with_password):
    sign_in(client)

    cookie = client.cookies[COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert PersonSession.objects.filter(digest=cookie.value.encode()).count() == 0


def test_no_answer_tells_whether_there_is_such_a_user(client, alice_with_password):
    User.objects.create_user("inactive", PASSWORD, is_active=False)
    User.objects.create_user("link-only")
    wrong = sign_in(client, password="wrong")

    others = [
        sign_in(client, "nobody", "wrong"),
        sign_in(client, "inactive"),
        sign_in(client, "link-only", "!"),
    ]

    assert wrong.status_code == 200
    expected = text_of(wrong)
    for answer, name in zip(others, ("nobody", "inactive", "link-only"), strict=True):
        assert answer.status_code == 200
        assert text_of(answer).replace(name, "alice") == expected
    assert COOKIE not in client.cookies


@pytest.mark.parametrize("user_id", ["nobody", "alice", "link-only", "inactive"])
def test_a_wrong_password_is_hashed_whoever_it_is_for(
    client, alice_with_password, monkeypatch, user_id
):
    User.objects.create_user("inactive", PASSWORD, is_active=False)
    User.objects.create_user("link-only")
    hashed = []
    encode = MD5PasswordHasher.encode

    def counted(self, password, salt):
        hashed.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)

    sign_in(client, user_id, "wrong")

    assert len(hashed) == 1


def test_the_queries_are_the_same_whoever_it_is(client, alice_with_password):
    counts = []
    for user_id in ("alice", "nobody"):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            sign_in(client, user_id, "wrong")
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_trying_too_often_is_refused_whatever_the_password(client, alice_with_password, settings):
    caches["limits"].clear()
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "sign_ins": (2, 86_400)}

    answers = [sign_in(client, password=password) for password in ("a", "b", PASSWORD)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert COOKIE not in client.cookies
    caches["limits"].clear()


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/link", "/sign-out", "/appearance"])
def test_a_form_from_elsewhere_is_refused(alice_with_password, path):
    client = Client(enforce_csrf_checks=True)
    token = SignInLink.objects.issue(alice_with_password.user)

    answer = client.post(path, {"user_id": "alice", "password": PASSWORD, "token": token})

    assert answer.status_code == 403
    assert COOKIE not in client.cookies
    assert SignInLink.objects.count() == 1


def test_a_form_of_the_page_itself_is_taken(alice_with_password):
    client = Client(enforce_csrf_checks=True)
    page = client.get("/").content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]

    answer = sign_in(client, csrfmiddlewaretoken=token)

    assert answer.status_code == 302


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/", "//evil.example/", "/\\evil.example", "\\\\evil.example", "evil",
        "javascript:alert(1)", "/\t/evil.example", "///evil.example", "http:evil", "",
    ],
)  # fmt: skip
def test_nobody_is_sent_to_another_server(client, alice_with_password, address):
    assert sign_in(client, next=address).headers["Location"] == "/memories"
    assert client.get("/sign-in", {"next": address}).headers["Location"] == "/memories"


def test_who_was_sent_to_sign_in_goes_on_afterwards(client, alice_with_password):
    asked = client.get("/settings?a=b").headers["Location"]
    assert asked == "/sign-in?next=%2Fsettings%3Fa%3Db"
    assert 'value="/settings?a=b"' in client.get(asked).content.decode()

    assert sign_in(client, next="/settings?a=b").headers["Location"] == "/settings?a=b"


# --- Links ---------------------------------------------------------------------------------


def test_a_link_signs_in_once_and_only_by_its_button(client, alice):
    token = SignInLink.objects.issue(alice.user)

    for _ in range(3):  # a program that checks the links of a mail
        page = client.get("/sign-in/link", {"token": token})
        client.head("/sign-in/link", {"token": token})
    assert "Sign in as alice" in page.content.decode()
    assert COOKIE not in client.cookies

    answer = client.post("/sign-in/link", {"token": token})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/settings")
    assert client.get("/memories").status_code == 200

    again = Client().post("/sign-in/link", {"token": token})
    assert again.status_code == 410
    assert "used before" in again.content.decode()
    assert Client().get("/sign-in/link", {"token": token}).status_code == 410


@pytest.mark.parametrize("token", ["", "x", "x" * 10_000, "ä", "a b"])
def test_a_link_that_never_was_opens_nothing(client, db, token):
    assert client.get("/sign-in/link", {"token": token}).status_code == 410
    assert client.post("/sign-in/link", {"token": token}).status_code == 410


def test_a_link_expires(client, alice):
    token = SignInLink.objects.issue(alice.user, lifetime=timedelta(minutes=5))
    SignInLink.objects.update(expires_at=timezone.now())

    assert client.post("/sign-in/link", {"token": token}).status_code == 410
    assert SignInLink.objects.expired().count() == 1


def test_a_link_of_a_deactivated_account_opens_nothing(client, alice):
    token = SignInLink.objects.issue(alice.user)
    User.objects.filter(pk=alice.user.pk).update(is_active=False)

    assert client.post("/sign-in/link", {"token": token}).status_code == 410
    with pytest.raises(CommandError, match="deactivated"):
        call_command("sign_in_link", "alice")


def test_only_so_many_links_of_a_person_are_kept(alice):
    for _ in range(MAX_LINKS + 2):
        SignInLink.objects.issue(alice.user)

    assert SignInLink.objects.count() == MAX_LINKS


def test_the_command_prints_a_link(client, alice, settings):
    settings.PORT, settings.PUBLIC_ADDRESS = 8123, None
    output = StringIO()

    call_command("sign_in_link", "alice", minutes=10, stdout=output)

    link = output.getvalue().strip()
    assert link.startswith("http://127.0.0.1:8123/sign-in/link?token=")
    assert client.get(link.removeprefix("http://127.0.0.1:8123")).status_code == 200
    assert SignInLink.objects.get().expires_at < timezone.now() + timedelta(minutes=11)


def test_the_command_prints_json(alice, capsys):
    call_command("sign_in_link", "alice", "--json")

    told = json.loads(capsys.readouterr().out)
    assert (told["user_id"], told["minutes"] > 0) == ("alice", True)
    assert "/sign-in/link?token=" in told["url"]


def test_the_command_refuses_an_unknown_user(db):
    with pytest.raises(CommandError, match="no user 'nobody'"):
        call_command("sign_in_link", "nobody")


# --- Sessions ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/api/v1/memories", "/api/v1/users/me", "/api/v1/config"])
def test_a_session_opens_nothing_of_the_api(browser, path):
    answer = browser.get(path)

    assert (answer.status_code, answer.json()["code"]) == (401, "key_missing")


def test_a_session_of_an_operator_opens_no_admin_and_none_of_the_admin_opens_pages(
    browser_of, olga, client
):
    assert browser_of(olga).get("/admin/").status_code == 302

    client.force_login(olga.user)
    assert client.get("/admin/").status_code == 200
    assert client.get("/memories").status_code == 302


def test_a_call_of_the_api_reads_no_session(browser, alice, django_assert_num_queries):
    headers = {"Authorization": f"Bearer {alice.secret}"}
    browser.get("/api/v1/users/me", headers=headers)

    with django_assert_num_queries(1):  # the key
        browser.get("/api/v1/users/me", headers=headers)


def test_a_person_signs_out(browser):
    assert browser.post("/sign-out").headers["Location"] == "/"

    assert browser.get("/memories").status_code == 302
    assert PersonSession.objects.count() == 0


def test_an_old_cookie_opens_nothing_after_signing_out(browser):
    cookie = browser.cookies[COOKIE].value
    browser.post("/sign-out")
    browser.cookies[COOKIE] = cookie

    assert browser.get("/memories").status_code == 302


def test_who_is_deactivated_is_out_at_once(browser, alice):
    User.objects.filter(pk=alice.user.pk).update(is_active=False)

    assert browser.get("/memories").status_code == 302


@pytest.mark.parametrize("field", ["last_used_at", "created_at"])
def test_a_session_ends_by_itself(browser, field):
    PersonSession.objects.update(**{field: timezone.now() - max(IDLE, LONGEST)})

    assert browser.get("/memories").status_code == 302
    assert PersonSession.objects.expired().count() == 1


def test_only_so_many_sessions_of_a_person_are_kept(alice):
    for _ in range(MAX_SESSIONS + 2):
        PersonSession.objects.start(alice.user)

    assert PersonSession.objects.count() == MAX_SESSIONS


def test_signing_in_again_ends_the_session_of_the_browser(client, alice_with_password):
    sign_in(client)
    sign_in(client)

    assert PersonSession.objects.count() == 1


def test_sessions_are_listed_and_ended(browser, browser_of, alice):
    other = browser_of(alice)
    page = browser.get("/settings").content.decode()
    assert page.count("Firefox on Linux") >= 2
    [pk] = PersonSession.objects.order_by("-created_at").values_list("pk", flat=True)[:1]

    answer = browser.post(f"/settings/sessions/{pk}/end")

    assert answer.headers["Location"] == "/settings"
    assert other.get("/memories").status_code == 302
    assert browser.get("/memories").status_code == 200


def test_nobody_ends_the_session_of_somebody_else(browser, browser_of, bob):
    other = browser_of(bob)
    pk = PersonSession.objects.get(user=bob.user).pk

    assert browser.post(f"/settings/sessions/{pk}/end").status_code == 404
    assert other.get("/memories").status_code == 200


def test_a_person_signs_out_everywhere(browser, browser_of, alice, bob):
    others = [browser_of(alice), browser_of(alice)]
    bobs = browser_of(bob)
    SignInLink.objects.issue(alice.user)

    browser.post("/settings/sign-out-everywhere")

    assert [each.get("/memories").status_code for each in (browser, *others)] == [302] * 3
    assert bobs.get("/memories").status_code == 200
    assert SignInLink.objects.count() == 0


# --- Passwords -----------------------------------------------------------------------------

NEW = "a quite long new one"


def test_who_came_by_a_link_sets_a_password(browser, browser_of, alice):
    other = browser_of(alice)
    assert "You have no password yet" in browser.get("/settings").content.decode()

    answer = browser.post("/settings/password", {"new": NEW, "again": NEW})

    assert answer.headers["Location"] == "/settings"
    assert "Your password was changed" in browser.get("/settings").content.decode()
    assert "Your password was changed" not in browser.get("/settings").content.decode()
    assert other.get("/memories").status_code == 302
    assert sign_in(Client(), password=NEW).status_code == 302


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"new": "short", "again": "short"}, "too short"),
        ({"new": NEW, "again": "another one"}, "do not match"),
        ({}, "required"),
    ],
)
def test_a_password_that_will_not_do_is_refused(browser, alice, fields, said):
    answer = browser.post("/settings/password", fields)

    assert said in answer.content.decode()
    alice.user.refresh_from_db()
    assert not alice.user.has_usable_password()


def test_the_present_password_is_asked_for(client, alice_with_password):
    sign_in(client)

    wrong = client.post("/settings/password", {"current": "no", "new": NEW, "again": NEW})
    assert "not your password" in wrong.content.decode()
    missing = client.post("/settings/password", {"new": NEW, "again": NEW})
    assert "required" in missing.content.decode()
    client.post("/settings/password", {"current": PASSWORD, "new": NEW, "again": NEW})

    assert sign_in(Client(), password=NEW).status_code == 302


def test_who_forgot_the_password_needs_it_no_more_after_a_link(client, alice_with_password):
    client.post("/sign-in/link", {"token": SignInLink.objects.issue(alice_with_password.user)})

    assert client.post("/settings/password", {"new": NEW, "again": NEW}).status_code == 302
    PersonSession.objects.update(created_at=timezone.now() - FRESH)
    again = client.post("/settings/password", {"new": PASSWORD, "again": PASSWORD})
    assert "required" in again.content.decode()

    assert sign_in(Client(), password=NEW).status_code == 302


def test_a_password_of_an_operators_making_ends_the_sessions(browser, client, alice, olga):
    client.force_login(olga.user)
    button = reverse("admin:accounts_user_set_password", args=[alice.user.pk])

    client.post(button, {**PRESSED, "password": NEW, "again": NEW})

    assert browser.get("/memories").status_code == 302
    assert sign_in(Client(), password=NEW).status_code == 302


def test_an_operator_makes_a_link_that_the_audit_log_does_not_tell(client, alice, olga):
    client.force_login(olga.user)
    button = reverse("admin:accounts_user_make_sign_in_link", args=[alice.user.pk])

    dialog = client.post(button, PRESSED).content.decode()

    [token] = re.findall(r"http://testserver/sign-in/link\?token=([\w-]+)", dialog)
    assert token not in str(LogEntry.objects.values_list("change_message", flat=True))
    assert LogEntry.objects.count() == 1
    assert Client().post("/sign-in/link", {"token": token}).status_code == 302


# --- Appearance ----------------------------------------------------------------------------


def test_a_browser_chooses_its_theme_and_language(client, db):
    assert '<html lang="en">' in client.get("/").content.decode()

    client.post("/appearance", {"theme": "dark", "language": "de", "next": "/"})
    page = client.get("/").content.decode()

    assert '<html lang="de" data-theme="dark">' in page
    client.post("/appearance", {"theme": "", "language": "xx"})
    assert '<html lang="de">' in client.get("/").content.decode()


def test_a_browser_says_its_language(client, db):
    page = client.get("/", headers={"Accept-Language": "fr;q=0.9, de-AT, en;q=0.5"})

    assert '<html lang="de">' in page.content.decode()


def test_times_are_shown_in_the_zone_of_the_person(browser, alice):
    browser.post("/settings/time-zone", {"time_zone": "Asia/Tokyo"})

    alice.user.refresh_from_db()
    assert alice.user.time_zone == "Asia/Tokyo"
    assert "+09:00" in browser.get("/settings").content.decode()
    assert browser.post("/settings/time-zone", {"time_zone": "Mars"}).status_code == 400


@pytest.mark.parametrize("path", ["/", "/sign-in", "/sign-in/link?token=x"])
def test_a_page_loads_nothing_that_is_not_its_own(client, db, path):
    answer = client.get(path)

    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style| style=| on\w+=", answer.content.decode())
