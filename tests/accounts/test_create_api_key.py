import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import ApiKey, User
from tests.cast import Member


def create(*arguments: str) -> str:
    out = StringIO()
    call_command("create_api_key", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_the_key_stands_alone_on_standard_output_and_works(alice):
    printed = create("alice")

    secret = printed.removesuffix("\n")
    assert "\n" not in secret
    key = ApiKey.objects.authenticate(secret)
    assert Member(alice.user, key, secret).get("/users/me").json()["user_id"] == "alice"


def test_a_key_as_json(alice):
    told = json.loads(create("alice", "--app", "notes", "--read-only", "--json"))

    key = ApiKey.objects.authenticate(told["key"])
    assert told == {
        "ok": True,
        "user_id": "alice",
        "id": str(key.pk),
        "key": told["key"],
        "app": "notes",
        "scopes": ["read"],
        "expires_at": None,
    }


def test_a_refusal_as_json(db):
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("create_api_key", "dave", "--json", stdout=out)

    assert json.loads(out.getvalue())["error"]["code"] == "command_failed"


def test_an_unknown_user_is_made_only_when_asked_for(db):
    with pytest.raises(CommandError, match="--create-user"):
        create("dave")

    create("dave", "--create-user", "--operator")

    assert User.objects.get(user_id="dave").is_operator


def test_a_user_id_that_is_not_one_is_refused(db):
    with pytest.raises(CommandError, match="cannot contain spaces"):
        create("two words", "--create-user")

    assert not User.objects.exists()


def test_a_key_can_be_bound_to_an_app_and_expire(alice):
    secret = create("alice", "--app", "notes", "--expires", "3", "--read-only").strip()

    key = ApiKey.objects.authenticate(secret)
    assert key.app_name == "notes"
    assert key.scopes == ["read"]
    assert (key.expires_at - key.created_at).total_seconds() == pytest.approx(3 * 86400, abs=5)


@pytest.mark.parametrize("days", ["0", "-1", "99999"])
def test_an_expiry_out_of_range_is_refused(alice, days):
    with pytest.raises(CommandError, match="--expires: must be a number from 1 to 36500"):
        create("alice", f"--expires={days}")

    assert ApiKey.objects.count() == 1


def test_names_that_are_too_long_are_refused(db):
    with pytest.raises(CommandError, match="at most 255 characters"):
        create("x" * 256, "--create-user")
    for option in ("--app", "--name"):
        with pytest.raises(CommandError, match=f"{option}: must be a name of 1 to 255"):
            create("dave", "--create-user", option, "x" * 256)

    assert not User.objects.exists()


@pytest.mark.parametrize("app", ["", " "])
def test_an_app_without_a_name_makes_no_key_that_may_act_as_any(alice, app):
    with pytest.raises(CommandError, match="--app: must be a name of 1 to"):
        create("alice", "--app", app)

    assert ApiKey.objects.count() == 1
