from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import ApiKey
from tests.cast import Member


def call(header: str | None):
    client = APIClient(raise_request_exception=False)
    headers = {} if header is None else {"Authorization": header}
    return client.get("/api/v1/users/me", headers=headers)


@pytest.mark.parametrize(
    ("header", "code", "word"),
    [
        (None, "key_missing", "missing"),
        ("", "key_missing", "missing"),
        ("Bearer", "key_invalid", "invalid"),
        ("Bearer ", "key_invalid", "invalid"),
        ("Basic YWxpY2U6c2VjcmV0", "key_invalid", "invalid"),
        ("Bearer om_unknown", "key_invalid", "invalid"),
        ("Bearer om_unknown and more", "key_invalid", "invalid"),
    ],
)
def test_a_request_without_a_good_key_is_refused(db, header, code, word):
    answer = call(header)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.json()["code"] == code
    assert word in answer.json()["detail"]


def test_the_scheme_is_read_in_any_case(alice):
    assert call(f"bearer {alice.secret}").status_code == 200


def test_a_revoked_key_is_refused_from_the_next_request_on(alice):
    assert call(f"Bearer {alice.secret}").status_code == 200

    alice.key.revoke()

    answer = call(f"Bearer {alice.secret}")
    assert answer.status_code == 401
    assert answer.json()["code"] == "key_revoked"
    assert "revoked" in answer.json()["detail"]


def test_an_expired_key_is_refused(alice):
    brief = alice.with_key(expires_at=timezone.now() + timedelta(hours=1))
    assert brief.get("/users/me").status_code == 200

    ApiKey.objects.filter(pk=brief.key.pk).update(expires_at=timezone.now())

    answer = brief.get("/users/me")
    assert answer.status_code == 401
    assert answer.json()["code"] == "key_expired"
    assert "expired" in answer.json()["detail"]


def test_the_keys_of_a_user_who_was_switched_off_are_refused(alice):
    alice.user.is_active = False
    alice.user.save()

    assert alice.get("/users/me").status_code == 401


def test_cookies_and_passwords_do_not_authenticate_a_call(alice, client):
    alice.user.set_password("secret")
    alice.user.save()
    client.cookies["sessionid"] = alice.secret
    client.cookies["Authorization"] = f"Bearer {alice.secret}"

    assert client.get("/api/v1/users/me").status_code == 401
    assert call("Basic YWxpY2U6c2VjcmV0").status_code == 401


def test_only_a_hash_of_a_key_is_kept(alice):
    row = ApiKey.objects.values().get(pk=alice.key.pk)

    assert alice.secret not in str(row)
    assert alice.secret.startswith(row["prefix"])


def test_a_key_that_only_reads_cannot_write(alice: Member):
    reader = alice.with_key(scopes=["read"])

    assert reader.get("/memories").status_code == 200
    assert reader.post("/memories/search", {"query": "tea"}).status_code == 200
    answer = reader.post("/memories", {"text": "I like tea."})
    assert answer.status_code == 403
    assert answer.json()["code"] == "key_scope"


def test_a_key_that_only_writes_cannot_read(alice: Member):
    writer = alice.with_key(scopes=["write"])

    assert writer.post("/memories", {"text": "I like tea."}).status_code == 200
    assert writer.get("/memories").status_code == 403
    assert writer.post("/memories/search", {"query": "tea"}).status_code == 403


def test_the_last_use_of_a_key_is_written_once_a_minute(alice, django_assert_num_queries):
    alice.get("/users/me")
    first = ApiKey.objects.get(pk=alice.key.pk).last_used_at
    assert first is not None

    with django_assert_num_queries(1):
        alice.get("/users/me")
    assert ApiKey.objects.get(pk=alice.key.pk).last_used_at == first

    ApiKey.objects.update(last_used_at=first - timedelta(minutes=2))
    alice.get("/users/me")
    assert ApiKey.objects.get(pk=alice.key.pk).last_used_at > first
