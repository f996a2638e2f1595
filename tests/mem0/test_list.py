from tests.mem0.conftest import Client

LIST = "/v3/memories/"


def test_the_newest_is_first_in_pages(shop: Client):
    for number in range(5):
        shop.add(f"Text {number}", user_id="ann", timestamp=1_700_000_000 + number)
    body = {"filters": {"user_id": "ann"}}

    first = shop.post(LIST, body, page=1, page_size=2).json()
    second = shop.post(LIST, {**body, "page": 2, "page_size": 2}).json()
    last = shop.post(LIST, body, page=3, page_size=2).json()

    assert [each["memory"] for each in first["results"]] == ["Text 4", "Text 3"]
    assert [each["memory"] for each in second["results"]] == ["Text 2", "Text 1"]
    assert [each["memory"] for each in last["results"]] == ["Text 0"]
    assert first["count"] == 5
    assert first["next"].startswith("http://testserver/v3/memories/?page=2&page_size=2")
    assert (first["previous"], last["next"]) == (None, None)
    assert shop.post(LIST, body, page=4, page_size=2).status_code == 404
    assert shop.post(LIST, body, page=1, page_size=5000).json()["count"] == 5
    for query in ({"page": 0}, {"page": "x"}, {"page_size": 0}, {"page_size": "-1"}):
        assert shop.post(LIST, body, **query).status_code == 400


def test_the_next_page_has_the_slash_that_clients_need(shop: Client):
    shop.add("a", "b", user_id="ann")

    for path in ("/v3/memories/", "/v3/memories"):
        answer = shop.post(path, {"filters": {"user_id": "ann"}}, page_size=1)
        assert answer.json()["next"] == "http://testserver/v3/memories/?page_size=1&page=2"


def test_days_count_from_their_begin_to_their_end(shop: Client):
    shop.add("Before", user_id="ann", timestamp="2024-01-09T23:59:59Z")
    shop.add("Early", user_id="ann", timestamp="2024-01-10T00:00:00Z")
    shop.add("Late", user_id="ann", timestamp="2024-01-11T23:59:59Z")
    shop.add("After", user_id="ann", timestamp="2024-01-12T00:00:00Z")

    days = {"start_date": "2024-01-10", "end_date": "2024-01-11"}

    assert shop.texts({"user_id": "ann"}, **days) == {"Early", "Late"}


def test_what_was_replaced_is_shown_on_demand(shop: Client):
    first = shop.member.remember("I live in Rome", infer=False)["id"]
    second = shop.member.remember("I live in Oslo", infer=False, supersedes=[first])["id"]

    body = {"filters": {"user_id": "alice"}, "latest_only": False}
    both = {each["id"]: each["replaced_by"] for each in shop.post(LIST, body).json()["results"]}

    assert shop.texts({"user_id": "alice"}) == {"I live in Oslo"}
    assert both == {first: second, second: None}


def test_fields_are_kept(shop: Client):
    shop.add("I like tea", user_id="ann")

    [shown] = shop.post(LIST, {"filters": {"user_id": "ann"}, "fields": ["memory"]}).json()[
        "results"
    ]

    assert set(shown) == {"id", "memory"}


def test_a_list_costs_as_many_statements_for_many(shop: Client, django_assert_max_num_queries):
    shop.add(*[f"Text {number}" for number in range(30)], user_id="ann")

    with django_assert_max_num_queries(8):
        assert shop.post(LIST, {"filters": {"user_id": "ann"}}).json()["count"] == 30
