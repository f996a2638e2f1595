import pytest

from accounts.models import ApiKey, User
from accounts.serializers import UserSerializer, show_user
from tests.cast import Member, errors_of


def test_me_is_the_user_of_the_key(alice):
    answer = alice.get("/users/me")

    assert answer.status_code == 200
    shown = answer.json()
    assert shown.pop("created_at").endswith("Z")
    assert shown == {
        "id": str(alice.user.pk),
        "user_id": "alice",
        "owner": None,
        "external_id": None,
        "name": "",
        "email": "",
        "time_zone": "",
        "infer": True,
        "categories_not_kept": [],
        "metadata": {},
        "is_operator": False,
    }


def test_a_user_is_shown_as_the_serializer_shows_them(alice):
    end_user = User.objects.create(
        user_id="7",
        owner=alice.user,
        external_id="ann",
        metadata={"a": [1]},
        time_zone="Asia/Tokyo",
    )

    for user in (alice.user, end_user):
        assert show_user(user) == UserSerializer(user).data


def test_an_operator_makes_a_user_whose_key_works(olga):
    answer = olga.post(
        "/users",
        {"user_id": "carol", "name": "Carol", "email": "c@example.org", "metadata": {"a": [1]}},
    )

    assert answer.status_code == 201
    made = answer.json()
    secret = made.pop("api_key")
    created_at = made.pop("created_at")
    carol = User.objects.get(user_id="carol")
    assert made == {
        "id": str(carol.pk),
        "user_id": "carol",
        "owner": None,
        "external_id": None,
        "name": "Carol",
        "email": "c@example.org",
        "time_zone": "",
        "infer": True,
        "categories_not_kept": [],
        "metadata": {"a": [1]},
        "is_operator": False,
    }
    assert Member(carol, ApiKey.objects.get(user=carol), secret).get("/users/me").json() == {
        **made,
        "created_at": created_at,
    }
    assert not carol.has_usable_password()


def test_a_user_cannot_make_users_nor_list_them(alice):
    for answer in [alice.post("/users", {"user_id": "carol"}), alice.get("/users")]:
        assert answer.status_code == 403
        assert answer.json()["code"] == "operators_only"
    assert not User.objects.filter(user_id="carol").exists()


def test_a_taken_user_id_is_a_conflict(olga, alice):
    answer = olga.post("/users", {"user_id": "alice"})

    assert answer.status_code == 409
    assert answer.json()["code"] == "user_exists"


@pytest.mark.parametrize("user_id", ["", " ", "two words", "a/b", "tab\t", "x" * 256, 5, None, []])
def test_a_user_id_that_cannot_stand_in_an_address_is_refused(olga, user_id):
    answer = olga.post("/users", {"user_id": user_id})

    assert answer.status_code == 400
    assert errors_of(answer) == {("body", "user_id")}


def test_every_wrong_field_is_named(olga):
    answer = olga.post("/users", {"name": 5, "email": "nobody", "metadata": []})

    assert answer.status_code == 400
    assert errors_of(answer) == {
        ("body", "user_id"),
        ("body", "name"),
        ("body", "email"),
        ("body", "metadata"),
    }


def test_operators_list_the_users_in_pages(olga, alice, bob, django_assert_num_queries):
    olga.get("/users")

    with django_assert_num_queries(3):
        answer = olga.get("/users", {"page_size": 2})

    page = answer.json()
    assert [user["user_id"] for user in page.pop("items")] == ["alice", "bob"]
    assert page == {"total": 3, "page": 1, "size": 2, "pages": 2}


def test_an_operators_key_that_is_bound_to_an_app_has_no_rights_of_an_operator(olga, alice):
    bound = olga.with_key(app_name="notes")

    for answer in (
        bound.get("/memories", {"user_id": "alice"}),
        bound.post("/users", {"user_id": "carol"}),
        bound.get("/users"),
        bound.post("/config/reset"),
    ):
        assert answer.status_code == 403
    assert bound.get("/memories").status_code == 200
