from __future__ import annotations

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.urls import reverse

from accounts.models import ApiKey, User
from tests.admin.conftest import PASSWORD, browser_of

ADD = "/admin/accounts/user/add/"
PRESSED = {"_form_submitted": "on"}
INLINE = {"api_keys-TOTAL_FORMS": "0", "api_keys-INITIAL_FORMS": "0"}


def page_of(user):
    return reverse("admin:accounts_user_change", args=[user.pk])


def button_of(user, name):
    return reverse(f"admin:accounts_user_{name}", args=[user.pk])


def fields_of(user, **changed):
    fields = {"name": user.name, "email": user.email, "is_active": "on"}
    fields |= {"metadata": "{}", "initial-metadata": "{}"}
    return {**fields, **INLINE, **changed}


@pytest.fixture
def helper(db) -> User:
    """An operator who may change users, and not do everything."""
    user = User.objects.create_user("helper", PASSWORD, is_staff=True)
    codes = ["view_user", "add_user", "change_user", "view_apikey", "change_apikey"]
    user.user_permissions.set(Permission.objects.filter(codename__in=codes))
    return user


def test_a_user_is_found_by_the_beginning_of_their_id(browser, alice, bob):
    page = browser.get("/admin/accounts/user/?q=ali").content.decode()

    assert page_of(alice.user) in page
    assert page_of(bob.user) not in page


def test_a_user_is_made_who_cannot_sign_in(browser, root):
    given = {"user_id": "carol", "name": "Carol", "email": "", "metadata": "{}"}

    answer = browser.post(ADD, {**given, "is_staff": "on", "is_superuser": "on"})

    carol = User.objects.get(user_id="carol")
    assert answer.status_code == 302
    assert (carol.name, carol.is_staff, carol.has_usable_password()) == ("Carol", False, False)
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_repr, entry.is_addition()) == (root, "carol", True)


@pytest.mark.parametrize("user_id", ["", "alice", "a b", "a/b", "x" * 256])
def test_a_user_id_that_cannot_be_one_is_refused(browser, alice, user_id):
    answer = browser.post(ADD, {"user_id": user_id, "metadata": "{}"})

    assert answer.status_code == 200
    assert "errors" in answer.content.decode()
    assert User.objects.count() == 2


def test_who_is_deactivated_has_no_good_key_any_more(browser, alice):
    answer = browser.post(page_of(alice.user), fields_of(alice.user, is_active=""))

    assert answer.status_code == 302
    assert alice.get("/users/me").status_code == 401
    assert LogEntry.objects.get().get_change_message() == "Changed Is active."


def test_a_key_is_made_and_shown_once(browser, alice):
    given = {"name": "laptop", "app_name": "notes", "scopes": ["read"], "days": "30"}

    answer = browser.post(button_of(alice.user, "make_key"), {**PRESSED, **given})

    secret = re.search(r"om_[\w-]{40,}", answer.content.decode())[0]
    key = ApiKey.objects.authenticate(secret)
    assert (key.user, key.name, key.app_name, key.scopes) == (
        alice.user, "laptop", "notes", ["read"]
    )  # fmt: skip
    assert key.expires_at is not None
    assert secret not in browser.get(page_of(alice.user)).content.decode()
    assert LogEntry.objects.get().change_message == f"Created key {secret[:11]}…."


@pytest.mark.parametrize(
    "wrong",
    [{"scopes": []}, {"scopes": ["all"]}, {"days": "0"}, {"name": "x" * 256}, {"name": "a\0b"}],
)
def test_a_key_that_cannot_be_is_not_made(browser, alice, wrong):
    given = {"name": "", "app_name": "", "scopes": ["read"], "days": "", **wrong}

    answer = browser.post(button_of(alice.user, "make_key"), {**PRESSED, **given})

    assert "om_" not in answer.content.decode()
    assert ApiKey.objects.count() == 1


def test_a_key_is_revoked_from_the_next_request_on(browser, alice):
    address = reverse("admin:accounts_apikey_revoke", args=[alice.key.pk])

    assert alice.get("/users/me").status_code == 200
    browser.post(address, PRESSED)

    assert alice.get("/users/me").json()["code"] == "key_revoked"
    assert LogEntry.objects.get().object_repr == alice.key.prefix


def test_no_page_shows_more_of_a_key_than_its_beginning(browser, alice):
    for path in ("/admin/accounts/apikey/", page_of(alice.user)):
        page = browser.get(path).content.decode()
        assert alice.key.prefix in page
        assert alice.secret not in page
        assert alice.key.digest.hex() not in page


def test_an_operator_does_not_lock_themselves_out(browser, root):
    for field in ("is_active", "is_staff", "is_superuser"):
        rights = {"is_staff": "on", "is_superuser": "on", field: ""}
        answer = browser.post(page_of(root), fields_of(root, **rights))
        assert "lock you out" in answer.content.decode()
    root.refresh_from_db()
    assert root.is_active
    assert root.is_operator


def test_an_operator_is_made_and_given_a_password(browser, client, alice):
    browser.post(page_of(alice.user), fields_of(alice.user, is_staff="on", is_superuser="on"))
    given = {"password": "a good long one", "again": "a good long one"}
    browser.post(button_of(alice.user, "set_password"), {**PRESSED, **given})

    assert client.login(username="alice", password="a good long one")
    assert alice.get("/users/me").json()["is_operator"] is True


@pytest.mark.parametrize(
    ("password", "again", "said"),
    [("short", "short", "too short"), ("a good long one", "another one", "do not match")],
)
def test_a_password_that_will_not_do_is_refused(browser, root, password, again, said):
    given = {"password": password, "again": again}

    answer = browser.post(button_of(root, "set_password"), {**PRESSED, **given})

    assert said in answer.content.decode()
    root.refresh_from_db()
    assert root.check_password(PASSWORD)


def test_who_may_not_do_everything_changes_users_who_may_not_sign_in(helper, alice):
    browser = browser_of(helper)

    browser.post(page_of(alice.user), fields_of(alice.user, name="Alice"))

    alice.user.refresh_from_db()
    assert alice.user.name == "Alice"


def test_and_makes_nobody_an_operator(helper, alice):
    browser = browser_of(helper)

    browser.post(page_of(alice.user), fields_of(alice.user, is_staff="on", is_superuser="on"))

    alice.user.refresh_from_db()
    assert (alice.user.is_staff, alice.user.is_superuser) == (False, False)


def test_and_takes_no_operators_place(helper, root, olga):
    browser = browser_of(helper)
    key = {**PRESSED, "scopes": ["read"]}
    password = {**PRESSED, "password": "a good long one", "again": "a good long one"}

    answers = [
        browser.post(page_of(root), fields_of(root, name="Mine")),
        browser.post(button_of(root, "make_key"), key),
        browser.post(button_of(root, "set_password"), password),
        browser.post(reverse("admin:accounts_apikey_revoke", args=[olga.key.pk]), PRESSED),
    ]

    assert [answer.status_code for answer in answers] == [403] * 4
    root.refresh_from_db()
    assert (root.name, root.check_password(PASSWORD)) == ("", True)
    assert not root.api_keys.exists()


def test_only_who_may_do_everything_gives_permissions(helper):
    helper.user_permissions.set(Permission.objects.all())
    browser = browser_of(helper)

    assert browser.get("/admin/auth/group/add/").status_code == 403
    assert browser.get("/admin/auth/group/").status_code == 200


def test_the_page_of_a_user_counts_and_links_what_is_stored(browser, alice, tea):
    page = browser.get(f"/admin/accounts/user/{alice.user.pk}/change/").content.decode()

    assert f'href="/admin/memories/memory/?user={alice.user.pk}">1 memory</a>' in page
    assert f"/admin/jobs/job/?owner__id__exact={alice.user.pk}" in page


def test_a_dialog_that_is_opened_in_another_tab_is_a_page(browser, alice):
    address = button_of(alice.user, "make_key")

    assert "<main" in browser.get(address).content.decode()
    assert "<main" not in browser.get(address, headers={"HX-Request": "true"}).content.decode()


def test_the_page_of_a_user_spells_ids_as_they_are_and_shows_code_as_code(browser, alice):
    page = browser.get(f"/admin/accounts/user/{alice.user.pk}/change/").content.decode()

    assert ">Alice<" not in page
    assert "<code>yesterday</code>" in page
