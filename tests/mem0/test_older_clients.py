import pytest


@pytest.fixture
def stocked(shop):
    shop.add("Ann's dog is Rex", user_id="ann", agent_id="cook")
    shop.add("Ben's dog is Bello", user_id="ben")
    return shop


def test_an_add_answers_a_bare_list(shop):
    body = {"messages": [{"role": "user", "content": "I like tea"}], "user_id": "ann"}

    [queued] = shop.post("/v1/memories/", {**body, "version": "v2"}).json()
    wrapped = shop.post("/v1/memories/", {**body, "output_format": "v1.1", "infer": False}).json()
    [done] = shop.post("/v1/memories/", {**body, "run_id": "r", "async_mode": False}).json()

    assert queued["status"] in ("PENDING", "SUCCEEDED")
    assert shop.get(f"/v1/event/{queued['event_id']}/").json()["status"] == "SUCCEEDED"
    assert wrapped["results"][0]["event"] == "NOOP"
    assert (done["memory"], done["event"]) == ("I like tea", "ADD")


@pytest.mark.parametrize(
    "body",
    [{"filters": {"user_id": "ann"}}, {"user_id": "ann"}, {"user_id": "ann", "filters": {}},
     {"filters": {"user_id": "*"}, "agent_id": "cook"}],
)  # fmt: skip
def test_a_list_is_bare_and_ids_beside_filters_narrow_it(stocked, body):
    [memory] = stocked.post("/v2/memories/", body).json()

    assert memory["memory"] == "Ann's dog is Rex"


def test_a_list_with_both_page_fields_is_an_envelope(stocked):
    body = {"filters": {"user_id": "*"}}

    assert stocked.post("/v2/memories/", body, page=1, page_size=1).json()["count"] == 2
    assert len(stocked.post("/v2/memories/", body, page=1).json()) == 2
    listed = stocked.get("/v1/memories/", user_id="ann", org_id="o", project_id="p").json()
    assert [each["memory"] for each in listed] == ["Ann's dog is Rex"]
    assert stocked.get("/v1/memories/", user_id="ann", page=1, page_size=1).json()["count"] == 1
    assert len(stocked.get("/v1/memories/", user_id="*", limit=1).json()) == 1


def test_a_list_of_nobody_is_refused(stocked):
    assert stocked.get("/v1/memories/").status_code == 400
    assert stocked.get("/v1/memories/", user_id="").status_code == 400
    assert stocked.post("/v2/memories/", {}).status_code == 400
    assert stocked.post("/v2/memories/", {"filters": []}).status_code == 400
    assert stocked.post("/v2/memories/", {"filters": "user_id"}).status_code == 400


@pytest.mark.parametrize("path", ["/v1/memories/search/", "/v2/memories/search/"])
def test_a_search_is_bare(stocked, path):
    body = {"query": "dog", "user_id": "ann"}

    [hit] = stocked.post(path, {**body, "filters": {}}).json()
    wrapped = stocked.post(path, {**body, "output_format": "v1.1"}).json()

    assert hit["memory"] == "Ann's dog is Rex"
    assert len(wrapped["results"]) == 1
    assert stocked.post(path, {**body, "limit": 5}).json()
    assert stocked.post(path, {"query": "dog"}).status_code == 400
    assert stocked.post(path, {"query": "dog", "filters": {"userId": "ann"}}).json()


def test_filters_that_are_not_known_in_a_query_are_refused(stocked):
    """Ignored, they would widen what is read."""
    assert stocked.get("/v1/memories/", user_id="ann", colour="red").status_code == 400
    assert stocked.get("/v1/memories/", user_id=["ann", "ben"]).status_code == 400


def test_a_flag_of_a_query_is_true_or_false(shop):
    shop.add("I like tea", user_id="ann", expiration_date="2020-01-01")

    for value, number in [("true", 1), ("True", 1), ("1", 1), ("false", 0), ("", 0)]:
        shown = shop.get("/v1/memories/", user_id="ann", show_expired=value).json()
        assert len(shown) == number, value
    for name in ("show_expired", "latest_only"):
        assert shop.get("/v1/memories/", user_id="ann", **{name: "maybe"}).status_code == 400
    body = {"filters": {"user_id": "ann"}, "latest_only": "no"}
    assert shop.post("/v3/memories/", body).status_code == 400
