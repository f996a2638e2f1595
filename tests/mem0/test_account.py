import pytest
from rest_framework.test import APIClient


def test_ping_says_whose_key_it_is(shop, rival):
    body = shop.get("/v1/ping/").json()

    assert body["status"] == "ok"
    assert body["org_id"].startswith("org_")
    assert body["project_id"].startswith("proj_")
    assert body["user_email"] is None
    assert shop.get("/v1/ping").json() == body
    # The host of a client may end with a slash.
    doubled = APIClient().get(
        "/", PATH_INFO="//v1/ping/", HTTP_AUTHORIZATION=f"Token {shop.member.secret}"
    )
    assert doubled.json() == body
    assert rival.get("/v1/ping/").json()["org_id"] != body["org_id"]


@pytest.mark.parametrize("header", ["Token {}", "token {}", "Bearer {}"])
def test_a_key_is_sent_in_several_ways(shop, header):
    client = APIClient()

    answer = client.get("/v1/ping/", headers={"Authorization": header.format(shop.member.secret)})

    assert answer.status_code == 200
    assert client.get("/v1/ping/", headers={"X-API-Key": shop.member.secret}).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Token nonsense"}, {"X-API-Key": ""}])
@pytest.mark.parametrize("path", ["/v1/ping/", "/v1/entities/", "/v3/memories/"])
def test_nobody_is_let_in_without_a_key(db, settings, headers, path):
    settings.LEGACY_CLIENTS = True

    answer = APIClient().get(path, headers=headers)

    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()["detail"]


def test_a_revoked_key_is_refused(shop):
    shop.member.key.revoke()

    answer = shop.get("/v1/ping/")

    assert answer.status_code == 401
    assert "revoked" in answer.json()["detail"]


def test_browsers_may_call(shop):
    answer = APIClient().options(
        "/v3/memories/",
        headers={
            "Origin": "https://example.org",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,mem0-user-id",
        },
    )

    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_an_unknown_path_is_json(shop):
    answer = shop.get("/v1/nothing/")

    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.json()["detail"]


def test_a_body_that_is_no_json_is_json(shop):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {shop.member.secret}")

    answer = client.generic("POST", "/v3/memories/", "{", content_type="application/json")

    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/json"


def test_a_project_keeps_its_settings(shop, rival):
    ping = shop.get("/v1/ping/").json()
    path = f"/api/v1/orgs/organizations/{ping['org_id']}/projects/{ping['project_id']}/"

    answer = shop.patch(path, {"custom_instructions": "Be brief.", "org_id": "x"})

    assert answer.json()["custom_instructions"] == "Be brief."
    assert answer.json()["message"]
    assert shop.get(path, fields="custom_instructions").json()["custom_instructions"] == "Be brief."
    assert shop.patch(path, {"custom_instructions": None}).json()["custom_instructions"] is None
    assert rival.get(path).status_code == 404
    assert rival.patch(path, {"custom_instructions": "Mine"}).status_code == 404
    assert shop.patch(path, {"custom_instructions": 7}).status_code == 400
    assert shop.patch(path, {"colour": "red"}).status_code == 400
    assert shop.delete(path).status_code == 403
    members = shop.get(f"{path}members/").json()["members"]
    assert members == [{"username": "alice", "role": "OWNER"}]
    assert shop.post(f"{path}members/", {"email": "a@b.c", "role": "READER"}).status_code == 403


def test_feedback_is_kept_and_taken_back(shop):
    [pk] = shop.add("I like tea", user_id="ann")
    said = {"memory_id": pk, "feedback": "NEGATIVE", "feedback_reason": "No."}

    answer = shop.post("/v1/feedback/", said)

    assert answer.status_code == 200
    assert answer.json()["id"]
    assert {name: answer.json()[name] for name in said} == said
    assert shop.post("/v1/feedback/", {**said, "feedback": "POSITIVE"}).status_code == 200
    assert shop.post("/v1/feedback/", {**said, "feedback": None}).json()["feedback"] is None
    assert shop.post("/v1/feedback/", {**said, "feedback": "GOOD"}).status_code == 400
    assert shop.post("/v1/feedback/", {**said, "feedback_reason": 7}).status_code == 400
    assert shop.post("/v1/feedback/", {"feedback": "POSITIVE"}).status_code == 400


def test_events_tell_what_was_done(shop, rival):
    [pk] = shop.add("I like tea", user_id="ann")
    shop.put(f"/v1/memories/{pk}/", {"text": "I like rice"})
    shop.delete("/v1/memories/", user_id="ann")

    body = shop.get("/v1/events/").json()

    assert [each["event_type"] for each in body["results"]] == ["DELETE_ALL", "UPDATE", "ADD"]
    assert {each["status"] for each in body["results"]} == {"SUCCEEDED"}
    assert shop.get("/v1/events/", event_type="ADD").json()["count"] == 1
    assert shop.get("/v1/events/", event_type="WALK").status_code == 400
    assert shop.get("/v1/events/", status="SUCCEEDED").json()["count"] == 3
    assert shop.get("/v1/events/", status="FAILED").json()["count"] == 0
    assert shop.get("/v1/events/", status="DONE").status_code == 400
    added = body["results"][-1]
    # The text of a memory does not outlive it.
    assert added["results"] == [{"id": pk, "memory": "", "data": {"memory": ""}, "event": "ADD"}]
    assert rival.get("/v1/events/").json()["count"] == 0
    assert rival.get(f"/v1/event/{added['id']}/").status_code == 404
    assert shop.get("/v1/event/nonsense/").status_code == 404


def test_statistics_are_of_the_account(shop, rival):
    shop.add("I like tea", user_id="ann")
    rival.add("I like tea", "I like rice", user_id="ann")
    shop.post("/v3/memories/search/", {"query": "tea", "filters": {"user_id": "ann"}})

    body = shop.get("/v1/stats/").json()

    assert body["total_memories"] == 1
    assert body["total_add_events"] == 1
    assert body["total_retrieval_events"] == 1


def test_what_needs_a_model_says_so(shop):
    shop.add("I like tea", user_id="ann")

    for path in ("/v1/exports/", "/v1/summary/", "/v2/profiles/jobs/"):
        answer = shop.post(path, {"filters": {"user_id": "ann"}, "schema": {}})
        assert answer.status_code == 400, path
        assert "model" in answer.json()["detail"]
    assert shop.get("/v2/profiles/settings/").json()["enabled"] is False
    assert shop.get("/v2/entities/user/ann/profile/").json()["status"] == "not_enabled"


def test_an_app_is_told_of_its_own_events(shop):
    shop.add("Her divorce", user_id="ann", app_id="law")
    [of_all] = shop.get("/v1/events/").json()["results"]
    desk = shop.with_key(app_name="desk")
    desk.add("I like tea", user_id="ann")

    [own] = desk.get("/v1/events/").json()["results"]

    assert own["results"][0]["memory"] == "I like tea"
    assert desk.get("/v1/events/", status="SUCCEEDED").json()["count"] == 1
    assert desk.get(f"/v1/event/{own['id']}/").status_code == 200
    assert desk.get(f"/v1/event/{of_all['id']}/").status_code == 404
    assert desk.get("/v1/stats/").json()["total_add_events"] == 1
    assert shop.get("/v1/events/").json()["count"] == 2
