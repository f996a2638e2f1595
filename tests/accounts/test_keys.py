from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import ApiKey
from tests.cast import Member, errors_of

UNKNOWN = "00000000-0000-4000-8000-000000000000"


def test_a_key_is_shown_when_it_is_made_and_never_again(alice):
    answer = alice.post("/keys", {"name": "laptop", "app": "notes", "scopes": ["read"]})

    assert answer.status_code == 201
    made = answer.json()
    secret = made.pop("api_key")
    key = ApiKey.objects.get(pk=made["id"])
    created_at = made.pop("created_at")
    assert made == {
        "id": str(key.pk),
        "name": "laptop",
        "app": "notes",
        "prefix": secret[:11],
        "scopes": ["read"],
        "expires_at": None,
        "revoked_at": None,
        "last_used_at": None,
        "end_users": False,
        "pinned": False,
        "renewable_until": None,
    }
    listed = alice.get("/keys").json()
    assert listed["items"][0] == {**made, "created_at": created_at}
    assert secret not in str(listed)
    assert Member(alice.user, key, secret).get("/memories").status_code == 200


def test_keys_are_listed_newest_first_in_pages(alice, bob, django_assert_num_queries):
    for name in ("one", "two"):
        alice.post("/keys", {"name": name})

    with django_assert_num_queries(3):
        page = alice.get("/keys", {"page_size": 2}).json()

    assert [key["name"] for key in page["items"]] == ["two", "one"]
    assert (page["total"], page["pages"]) == (3, 2)


def test_a_revoked_key_is_refused_and_stays_listed(alice):
    made = alice.post("/keys", {"name": "lost"}).json()
    other = Member(alice.user, ApiKey.objects.get(pk=made["id"]), made["api_key"])
    assert other.get("/users/me").status_code == 200

    assert alice.delete(f"/keys/{made['id']}").status_code == 204
    assert alice.delete(f"/keys/{made['id']}").status_code == 204

    assert other.get("/users/me").status_code == 401
    listed = {key["id"]: key["revoked_at"] for key in alice.get("/keys").json()["items"]}
    assert listed[made["id"]].endswith("Z")


@pytest.mark.parametrize("key_id", [UNKNOWN, "none", "bob"])
def test_another_users_key_does_not_exist(alice, bob, key_id):
    answer = alice.delete(f"/keys/{bob.key.pk if key_id == 'bob' else key_id}")

    assert answer.status_code == 404
    assert answer.json()["code"] == "key_not_found"
    assert bob.get("/users/me").status_code == 200


def test_an_operator_makes_and_revokes_the_keys_of_a_user(olga, alice):
    made = olga.post("/keys", {"user_id": "alice"}).json()

    assert ApiKey.objects.get(pk=made["id"]).user == alice.user
    assert olga.delete(f"/keys/{made['id']}?user_id=alice").status_code == 204


@pytest.mark.parametrize("body", [b"", b"{}"])
def test_a_body_that_was_lost_makes_no_key_that_may_do_everything(alice, client, body):
    headers = {"Authorization": f"Bearer {alice.secret}"}
    answer = client.post("/api/v1/keys", body, content_type="application/json", headers=headers)

    assert answer.status_code == 400
    assert "Send at least a `name`" in answer.json()["detail"]
    assert ApiKey.objects.filter(user=alice.user).count() == 1


def test_a_user_makes_no_keys_of_another(alice, bob):
    assert alice.post("/keys", {"user_id": "bob"}).status_code == 403
    assert alice.get("/keys", {"user_id": "bob"}).status_code == 403


def test_a_key_makes_no_key_that_may_more(alice):
    writer = alice.with_key(scopes=["write"])

    answer = writer.post("/keys", {"scopes": ["read"]})

    assert answer.status_code == 403
    assert answer.json()["code"] == "key_too_strong"
    assert writer.post("/keys", {"scopes": ["write"]}).status_code == 201


def test_a_key_makes_no_key_that_lasts_longer(alice):
    soon = timezone.now() + timedelta(days=1)
    brief = alice.with_key(expires_at=soon)

    assert brief.post("/keys", {"name": "for ever"}).status_code == 403
    late = {"expires_at": (soon + timedelta(days=1)).isoformat()}
    assert brief.post("/keys", late).status_code == 403
    assert brief.post("/keys", {"expires_at": soon.isoformat()}).status_code == 201


def test_a_key_bound_to_an_app_makes_and_revokes_none(alice):
    bound = alice.with_key(app_name="notes")

    for answer in (bound.post("/keys", {}), bound.delete(f"/keys/{alice.key.pk}")):
        assert answer.status_code == 403
        assert answer.json()["code"] == "key_bound_to_app"


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"name": 5}, ("body", "name")),
        ({"app": ""}, ("body", "app")),
        ({"scopes": []}, ("body", "scopes")),
        ({"scopes": ["admin"]}, ("body", "scopes", "0")),
        ({"scopes": "read"}, ("body", "scopes")),
        ({"expires_at": "soon"}, ("body", "expires_at")),
        ({"expires_at": "2001-01-01T00:00:00Z"}, ("body", "expires_at")),
    ],
)
def test_bad_input_is_named(alice, body, place):
    answer = alice.post("/keys", body)

    assert answer.status_code == 400
    assert errors_of(answer) == {place}
