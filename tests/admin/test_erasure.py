import pytest
from django.urls import reverse

from accounts.models import User
from jobs.models import Job
from memories.models import Memory
from tests.admin.conftest import browser_of


def button_of(user):
    return reverse("admin:accounts_user_erase", args=[user.pk])


def confirmed(user_id):
    return {"_form_submitted": "on", "confirmed": user_id}


def test_it_says_first_what_would_go(browser, alice):
    alice.remember("We have a dog")

    asked = browser.get(button_of(alice.user)).content.decode()

    for line in ("1 memory", "1 app", "1 API key", "1 user"):
        assert line in asked
    assert Memory.objects.exists()


def test_who_confirms_it_has_a_person_erased(browser, alice):
    alice.remember("We have a dog")

    browser.post(button_of(alice.user), confirmed("alice"))

    assert alice.get("/users/me").status_code == 401
    assert Job.objects.get(kind="erase").parameters["user"] == str(alice.user.pk)


@pytest.mark.parametrize("given", ["", "bob", "Alice"])
def test_without_their_id_nobody_is_erased(browser, alice, bob, given):
    browser.post(button_of(alice.user), confirmed(given))

    assert not Job.objects.exists()
    assert alice.get("/users/me").status_code == 200


def test_nobody_erases_themselves(browser, root):
    browser.post(button_of(root), confirmed("root"))

    assert not Job.objects.exists()
    assert User.objects.get().is_active


def test_who_only_sees_erases_nobody(reading, alice):
    assert reading.get(button_of(alice.user)).status_code == 403
    assert reading.post(button_of(alice.user), confirmed("alice")).status_code == 403


def test_who_may_change_users_but_not_delete_them_erases_nobody(alice, reader):
    from django.contrib.auth.models import Permission

    reader.user_permissions.add(Permission.objects.get(codename="change_user"))

    assert browser_of(reader).post(button_of(alice.user), confirmed("alice")).status_code == 403
