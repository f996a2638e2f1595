import hashlib

import pytest

from accounts.models import User
from memories.models import Memory
from tests.mem0.conftest import Client

ADD = "/v3/memories/add/"


def message(text, role="user", **more):
    return {"role": role, "content": text, **more}


def test_each_message_is_a_memory_word_for_word(shop):
    messages = [
        message("I like tea"),
        message("Noted: tea.", "assistant"),
        message("Be brief", "system"),
        message("42", "tool"),
        message("   "),
    ]

    answer = shop.post(ADD, {"messages": messages, "user_id": "ann", "infer": False})

    body = answer.json()
    assert answer.status_code == 200
    assert (body["status"], body["message"]) == ("SUCCEEDED", "Memories stored successfully")
    assert [entry["memory"] for entry in body["results"]] == ["I like tea", "Noted: tea."]
    assert body["results"][0]["data"] == {"memory": "I like tea"}
    assert {entry["event"] for entry in body["results"]} == {"ADD"}


def test_a_memory_shows_all_that_was_said_of_it(shop):
    [pk] = shop.add(
        "I like tea",
        user_id="ann",
        agent_id="cook",
        run_id="r1",
        app_id="desk",
        metadata={"Key": {"inner_key": 1}},
        timestamp=1_700_000_000,
        expiration_date="2099-01-31",
        immutable=True,
    )

    shown = shop.get(f"/v1/memories/{pk}/").json()

    updated_at = shown.pop("updated_at")
    assert updated_at.endswith("+00:00")
    assert shown == {
        "id": pk,
        "memory": "I like tea",
        "user_id": "ann",
        "agent_id": "cook",
        "app_id": "desk",
        "run_id": "r1",
        "session_id": "r1",
        "metadata": {"Key": {"inner_key": 1}},
        "categories": [],
        "immutable": True,
        "expiration_date": "2099-01-31",
        "created_at": "2023-11-14T22:13:20+00:00",
        "replaced_by": None,
        "hash": hashlib.md5(b"I like tea", usedforsecurity=False).hexdigest(),
    }


def test_a_text_is_stored_once_in_a_scope(shop):
    [first] = shop.add("I like tea", user_id="ann", agent_id="cook")

    answer = shop.post(
        ADD, {"messages": "I like tea", "user_id": "ann", "agent_id": "cook", "infer": False}
    )
    [again] = answer.json()["results"]
    [other] = shop.add("I like tea", user_id="ann", agent_id="tutor")
    [third] = shop.add("I like tea", user_id="ann", agent_id="cook", run_id="r1")

    assert (again["id"], again["event"], again["memory"]) == (first, "NOOP", "I like tea")
    assert len({first, other, third}) == 3


def test_what_is_inferred_ends_as_an_event(shop):
    body = shop.post(ADD, {"messages": "I like tea", "user_id": "ann"}).json()

    event = shop.get(f"/v1/event/{body['event_id']}/").json()

    assert event["status"] == "SUCCEEDED"
    assert event["event_type"] == "ADD"
    assert [entry["memory"] for entry in event["results"]] == ["I like tea"]
    assert shop.texts({"user_id": "ann"}) == {"I like tea"}


@pytest.mark.parametrize(
    "scope",
    [
        {"filters": {"user_id": "ann"}},
        {"filters": {"AND": [{"user_id": "ann"}]}},
        {"user_id": "ann", "filters": {"user_id": "ann"}},
        {"user_id": "ann", "agent_id": "", "run_id": None},
    ],
)
def test_ids_stand_at_the_top_or_in_filters(shop, scope):
    shop.add("I like tea", **scope)

    assert shop.texts({"user_id": "ann"}) == {"I like tea"}


def test_parts_of_a_message_are_its_text(shop):
    parts = [
        {"type": "text", "text": "I like tea"},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
        {"type": "text", "text": "and rice"},
    ]

    shop.add(parts, user_id="ann")

    assert shop.texts({"user_id": "ann"}) == {"I like tea\nand rice"}


@pytest.mark.parametrize(
    "body",
    [
        {"user_id": "ann"},
        {"user_id": "ann", "messages": []},
        {"user_id": "ann", "messages": [{"role": "user"}]},
        {"user_id": "ann", "messages": [message("x", role="narrator")]},
        {"user_id": "ann", "messages": ["x"]},
        {"user_id": "ann", "messages": [message(7)]},
        {"user_id": "ann", "messages": [message("a\0b")]},
        {"user_id": "ann", "messages": [message("\ud800")]},
        {"user_id": "ann", "messages": [message("x" * 33_000)]},
        {"messages": "x"},
        {"messages": "x", "user_id": ""},
        {"messages": "x", "user_id": "*"},
        {"messages": "x", "user_id": "a" * 256},
        {"messages": "x", "user_id": 7},
        {"messages": "x", "user_id": "a\0b"},
        {"messages": "x", "user_id": "\ud800"},
        {"messages": "x", "agent_id": "a\0b"},
        {"messages": "x", "run_id": "\ud800"},
        {"messages": "x", "app_id": "a\0b"},
        {"messages": "x", "user_id": "ann", "filters": {"user_id": "ben"}},
        {"messages": "x", "user_id": "ann", "filters": {"OR": [{"user_id": "ann"}]}},
        {"messages": "x", "user_id": "ann", "metadata": "a"},
        {"messages": "x", "user_id": "ann", "metadata": {"a": "\0"}},
        {"messages": "x", "user_id": "ann", "metadata": {"a": "\ud800"}},
        {"messages": "x", "user_id": "ann", "metadata": {"a": "x" * 20_000}},
        {"messages": "x", "user_id": "ann", "infer": "no"},
        {"messages": "x", "user_id": "ann", "immutable": 1},
        {"messages": "x", "user_id": "ann", "expiration_date": "2030-02-30"},
        {"messages": "x", "user_id": "ann", "expiration_date": "tomorrow"},
        {"messages": "x", "user_id": "ann", "timestamp": "yesterday"},
        {"messages": "x", "user_id": "ann", "timestamp": 99_999_999_999},
        {"messages": "x", "user_id": "ann", "timestamp": float("inf")},
        [],
        "x",
    ],
)
def test_what_cannot_be_stored_is_refused_and_makes_nobody(shop, body):
    answer = shop.post(ADD, body)

    assert answer.status_code == 400, answer.content
    assert isinstance(answer.json()["detail"], str)
    assert not Memory.objects.exists()
    assert not User.objects.filter(owner=shop.member.user).exists()


def test_an_add_of_nothing_to_remember_makes_nobody(shop):
    body = {"messages": [message("Be brief", "system")], "user_id": "ann"}

    answer = shop.post(ADD, body)

    assert (answer.status_code, answer.json()["results"]) == (200, [])
    assert not User.objects.filter(owner=shop.member.user).exists()


def test_unknown_fields_of_an_add_are_ignored(shop):
    ignored = {"version": "v2", "output_format": "v1.1", "enable_graph": True, "source": "N8N"}

    assert shop.add("I like tea", user_id="ann", **ignored)


def test_an_immutable_memory_is_not_updated(shop):
    [pk] = shop.add("I like tea", user_id="ann", immutable=True)

    answer = shop.put(f"/v1/memories/{pk}/", {"text": "I like coffee"})

    assert answer.status_code == 400
    assert shop.get(f"/v1/memories/{pk}/").json()["memory"] == "I like tea"


def test_an_expired_memory_is_shown_by_its_id_and_on_demand(shop):
    [pk] = shop.add("I like tea", user_id="ann", expiration_date="2020-01-31")
    filters = {"user_id": "ann"}

    assert shop.texts(filters) == set()
    assert shop.texts(filters, show_expired=True) == {"I like tea"}
    assert shop.get(f"/v1/memories/{pk}/").json()["expiration_date"] == "2020-01-31"
    hits = shop.post(
        "/v3/memories/search/", {"query": "tea", "filters": filters, "show_expired": True}
    )
    assert [hit["id"] for hit in hits.json()["results"]] == [pk]


def test_a_quota_of_users_is_413(shop, settings):
    settings.MAX_END_USERS = 1
    shop.add("I like tea", user_id="ann")

    answer = shop.post(ADD, {"messages": "x", "user_id": "ben", "infer": False})

    assert answer.status_code == 413


def test_an_account_names_itself(shop):
    """What came by the REST API is seen here, and the other way round."""
    shop.member.remember("I like tea", infer=False)
    shop.add("I like rice", user_id="alice")

    assert shop.texts({"user_id": "alice"}) == {"I like tea", "I like rice"}
    listed = shop.member.get("/memories").json()["items"]
    assert {memory["content"] for memory in listed} == {"I like tea", "I like rice"}


def test_a_key_of_an_app_adds_for_its_app_alone(shop):
    bound = shop.with_key(app_name="desk")
    bound.add("I like tea", user_id="ann")

    assert shop.texts({"app_id": "desk"}) == {"I like tea"}
    body = {"messages": "x", "user_id": "ann", "app_id": "phone", "infer": False}
    assert bound.post(ADD, body).status_code == 403


def test_a_pinned_key_reaches_its_own_user_alone(shop):
    pinned: Client = shop.with_key(is_pinned=True)

    assert pinned.post(ADD, {"messages": "x", "user_id": "ann"}).status_code == 403
    assert pinned.post("/v3/memories/", {"filters": {"user_id": "ann"}}).status_code == 403
    assert pinned.add("I like tea", user_id="alice")
    assert pinned.texts({"user_id": "*"}) == {"I like tea"}


@pytest.mark.parametrize(
    ("said", "created_at"),
    [
        ({"observation_date": "2024-03-01"}, "2024-03-01T00:00:00+00:00"),
        ({"observation_date": "2024-03-01", "timezone": "Asia/Tokyo"}, "2024-02-29T15:00:00+00:00"),
        (
            {"observation_datetime": "2024-03-01T10:30:00", "timezone": "Europe/Berlin"},
            "2024-03-01T09:30:00+00:00",
        ),
        (
            {"observation_datetime": "2024-03-01T10:30:00-05:00", "timezone": "Europe/Berlin"},
            "2024-03-01T15:30:00+00:00",
        ),
        (
            {"timestamp": "2024-01-01T00:00:00Z", "observation_date": "2024-03-01"},
            "2024-01-01T00:00:00+00:00",
        ),
    ],
)
def test_when_a_talk_was_observed_is_when_it_was_said(shop, said, created_at):
    [pk] = shop.add("I like tea", user_id="ann", **said)

    assert shop.get(f"/v1/memories/{pk}/").json()["created_at"] == created_at


@pytest.mark.parametrize(
    "said",
    [
        {"observation_date": "soon"}, {"observation_date": "9000-01-01"},
        {"observation_date": "2024-03-01", "timezone": "Mars/Olympus"},
        {"observation_date": "2024-03-01", "timezone": 7},
        {"observation_date": "0001-01-01", "timezone": "Asia/Tokyo"},
    ],
)  # fmt: skip
def test_an_observation_of_no_time_is_refused(shop, said):
    body = {"messages": "I like tea", "user_id": "ann", "infer": False, **said}

    assert shop.post("/v3/memories/add/", body).status_code == 400
    assert not Memory.objects.exists()


def test_an_app_is_shown_no_expired_memories(shop):
    [pk] = shop.add("I like tea", user_id="ann", app_id="desk", expiration_date="2020-01-01")
    desk, body = shop.with_key(app_name="desk"), {"filters": {"user_id": "ann"}, "query": "tea"}
    shown = {**body, "show_expired": True}

    assert shop.post("/v3/memories/", shown).json()["count"] == 1
    assert desk.get(f"/v1/memories/{pk}/").status_code == 404
    assert desk.post("/v3/memories/", body).json()["count"] == 0
    for path in ("/v3/memories/", "/v3/memories/search/", "/v2/memories/"):
        assert desk.post(path, shown).status_code == 403
