import pytest

from accounts.models import User
from core.api import pagination

pytestmark = pytest.mark.urls("tests.api.urls")

NAMES = [f"user-{number}" for number in range(7)]


@pytest.fixture
def users(db):
    User.objects.bulk_create(User(user_id=name) for name in NAMES)


def items(names):
    return [{"user_id": name} for name in names]


def test_the_first_page_has_the_size_of_the_view(client, users):
    assert client.get("/api/v1/users").json() == {
        "items": items(NAMES[:3]),
        "total": 7,
        "page": 1,
        "size": 3,
        "pages": 3,
    }


@pytest.mark.parametrize(
    "query", ["page=2&page_size=5", "page=2&size=5", "page=2&size=5&page_size=5"]
)
def test_a_page_and_its_size_can_be_asked_for(client, users, query):
    assert client.get(f"/api/v1/users?{query}").json() == {
        "items": items(NAMES[5:]),
        "total": 7,
        "page": 2,
        "size": 5,
        "pages": 2,
    }


@pytest.mark.parametrize("page", [4, 2**31 - 1])
def test_a_page_past_the_end_is_empty_and_tells_the_total(client, users, page):
    answer = client.get(f"/api/v1/users?page={page}")

    assert answer.status_code == 200
    assert answer.json() == {"items": [], "total": 7, "page": page, "size": 3, "pages": 3}


def test_a_list_of_nothing_has_no_pages(client, db):
    assert client.get("/api/v1/users").json() == {
        "items": [],
        "total": 0,
        "page": 1,
        "size": 3,
        "pages": 0,
    }


def test_paging_through_shows_everything_once(client, users):
    for size in (1, 2, 3, 6, 7, 8):
        seen, page = [], 1
        while answer := client.get(f"/api/v1/users?size={size}&page={page}").json():
            assert answer["total"] == 7
            assert answer["pages"] == -(-7 // size)
            seen += answer["items"]
            if page >= answer["pages"]:
                break
            page += 1
        assert seen == items(NAMES)


@pytest.mark.parametrize(
    ("query", "statements"),
    [("", 2), ("page=2", 2), ("page=3", 1), ("page=4", 2), ("size=7", 1), ("size=6", 2)],
)
def test_a_page_takes_two_statements_or_one_when_it_ends_the_list(
    client, users, django_assert_num_queries, query, statements
):
    with django_assert_num_queries(statements):
        client.get(f"/api/v1/users?{query}")


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("page=0", ["page"]),
        ("page=-1", ["page"]),
        ("page=x", ["page"]),
        ("page=", ["page"]),
        ("page=1.0", ["page"]),
        ("page=1_0", ["page"]),
        ("page=+1", ["page"]),
        ("page=%201", ["page"]),
        ("page=%D9%A3", ["page"]),
        ("page=2147483648", ["page"]),
        ("page=" + "9" * 5000, ["page"]),
        ("page_size=0", ["page_size"]),
        ("page_size=101", ["page_size"]),
        ("size=101", ["size"]),
        ("page=0&page_size=x&size=1000", ["page", "page_size", "size"]),
        ("size=2&page_size=3", ["size"]),
    ],
)
def test_every_wrong_parameter_is_named(client, db, query, places):
    answer = client.get(f"/api/v1/users?{query}")

    assert answer.status_code == 400
    assert [error["loc"] for error in answer.json()["errors"]] == [
        ["query", place] for place in places
    ]


def test_a_hundred_are_the_most(client, users):
    assert client.get("/api/v1/users?page_size=100").json()["size"] == 100


def test_an_envelope_can_have_other_names(client, users):
    assert client.get("/api/v1/people").json() == {
        "total": 7,
        "page": 1,
        "page_size": 3,
        "people": items(NAMES[:3]),
    }


def test_the_parameters_can_come_in_a_body(client, users):
    answer = client.post("/api/v1/people", {"page": 2, "size": 4}, content_type="application/json")

    assert answer.json() == {"total": 7, "page": 2, "page_size": 4, "people": items(NAMES[4:])}


@pytest.mark.parametrize("page", [None, True, 1.5, "x", [1], {}, 10**300])
def test_a_wrong_parameter_in_a_body_is_named_there(client, db, page):
    answer = client.post("/api/v1/people", {"page": page}, content_type="application/json")

    assert answer.status_code == 400
    assert [error["loc"] for error in answer.json()["errors"]] == [["body", "page"]]


def test_a_whole_number_in_a_body_may_be_written_as_a_float(client, users):
    answer = client.post(
        "/api/v1/people", '{"page": 2.0, "size": 4e0}', content_type="application/json"
    )

    assert (answer.json()["page"], answer.json()["page_size"]) == (2, 4)


def test_reading_needs_no_request():
    assert pagination.parse_page_request({}) == pagination.PageRequest(page=1, size=10)
    assert pagination.parse_page_request({"page": "3"}, default_size=50) == pagination.PageRequest(
        page=3, size=50
    )
