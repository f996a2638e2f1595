from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import ApiKey, User
from core.exposure import PublicAddress


def create_operator(*arguments: str) -> str:
    """Run the command where there is no terminal, and return what it prints."""
    out = StringIO()
    call_command("create_operator", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def sign_in(client, user_id, password):
    client.post("/admin/login/", {"username": user_id, "password": password})
    return client.get("/admin/").status_code == 200


def test_a_new_operator_signs_in_with_the_printed_password(client, db):
    (password,) = create_operator("dave").splitlines()

    assert sign_in(client, "dave", password)
    assert User.objects.get(user_id="dave").is_operator


def test_a_new_operator_as_json(client, db):
    told = json.loads(create_operator("dave", "--json"))

    assert (told["user_id"], told["ok"]) == ("dave", True)
    assert told["admin"].endswith("/admin/")
    assert sign_in(client, "dave", told["password"])


def test_who_is_made_an_operator_is_told_where_people_reach_the_server(db, settings):
    told = StringIO()
    settings.PUBLIC_ADDRESS = PublicAddress.parse("https://memory.example.org", proxies=1)

    call_command("create_operator", "dave", stdout=StringIO(), stderr=told)

    assert "dave can sign in at https://memory.example.org/admin/." in told.getvalue()


def test_a_user_who_is_there_keeps_everything_and_becomes_an_operator(client, alice):
    (password,) = create_operator("alice").splitlines()

    assert sign_in(client, "alice", password)
    assert alice.get("/users/me").json()["is_operator"] is True


def test_nobody_who_is_deactivated_is_told_to_sign_in(alice):
    User.objects.filter(pk=alice.user.pk).update(is_active=False)

    with pytest.raises(CommandError, match="alice is deactivated"):
        create_operator("alice")

    alice.user.refresh_from_db()
    assert not alice.user.is_operator


def test_another_password_replaces_the_one_there_was(client, db):
    first, second = (create_operator("dave").strip() for _ in range(2))

    assert not sign_in(client, "dave", first)
    assert sign_in(client, "dave", second)


def test_without_a_name_it_is_the_default_user(db, settings):
    create_operator()

    assert User.objects.get().user_id == settings.DEFAULT_USER


def test_a_read_only_operator_sees_and_changes_nothing(client, alice, bob):
    (password,) = create_operator("alice", "--read-only").splitlines()

    assert sign_in(client, "alice", password)
    assert client.get("/admin/accounts/user/").status_code == 200
    assert client.get("/admin/accounts/user/add/").status_code == 403
    client.post(f"/admin/accounts/user/{bob.user.pk}/change/", {"name": "Robert"})
    bob.user.refresh_from_db()
    assert bob.user.name == ""


def test_a_read_only_operator_is_no_operator_over_the_api(alice, bob):
    create_operator("alice", "--read-only")

    assert alice.get("/users/me").json()["is_operator"] is False
    assert alice.get("/users").status_code == 403
    assert alice.get("/memories?user_id=bob").status_code == 403
    assert not ApiKey.objects.get(user=alice.user).has_operator_rights


def test_who_could_do_everything_can_only_look_afterwards(db):
    create_operator("dave")
    create_operator("dave", "--read-only")

    dave = User.objects.get(user_id="dave")
    assert (dave.is_staff, dave.is_superuser) == (True, False)


def test_a_name_that_cannot_be_one_is_refused(db):
    with pytest.raises(CommandError, match="cannot contain spaces"):
        create_operator("da ve")
    with pytest.raises(CommandError, match="at most 255 characters"):
        create_operator("x" * 256)
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (["short", "correct horse battery", "correct horse battery"], "too short"),
        (["correct horse battery", "another", "correct horse battery", "correct horse battery"],
         "do not match"),
    ],
    ids=["too short", "mistyped"],
)  # fmt: skip
def test_on_a_terminal_it_asks_until_it_has_a_good_one(
    client, db, monkeypatch, capsys, answers, said
):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    given = iter(answers)
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(given))

    assert create_operator("dave") == ""

    assert said in capsys.readouterr().err
    assert sign_in(client, "dave", "correct horse battery")
