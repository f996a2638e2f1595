from urllib.parse import quote

import pytest

from accounts.models import User
from apps_registry.models import AccessRule, App
from mem0.entity_register import register_entities
from mem0.tenant import Tenant
from tests.mem0.conftest import snapshot


def names(client):
    entities = client.get("/v1/entities/").json()["results"]
    return {(entity["type"], entity["name"]): entity["total_memories"] for entity in entities}


def test_entities_are_what_was_named(shop):
    shop.add("I like tea", user_id="ann", agent_id="cook", run_id="r1", app_id="desk")
    shop.add("I like rice", user_id="ann")

    body = shop.get("/v1/entities/").json()

    assert names(shop) == {
        ("user", "ann"): 2,
        ("agent", "cook"): 1,
        ("run", "r1"): 1,
        ("app", "desk"): 1,
    }
    assert (body["total_users"], body["total_agents"]) == (1, 1)
    assert (body["total_apps"], body["total_runs"]) == (1, 1)
    assert body["count"] == 4
    assert body["next"] is None


def test_an_entity_is_deleted_with_its_memories(shop, rival):
    shop.add("I like tea", user_id="ann", agent_id="cook")
    rival.add("Another Ann", user_id="ann")

    answer = shop.delete("/v2/entities/user/ann/")

    assert answer.status_code == 200
    assert answer.json()["event_id"]
    assert shop.texts({"agent_id": "cook"}) == set()
    assert rival.texts({"user_id": "ann"}) == {"Another Ann"}
    assert shop.delete("/v2/entities/user/ann/").status_code == 404
    # An agent is there until it is deleted itself: a reset deletes one after the other.
    assert shop.delete("/v2/entities/agent/cook/").status_code == 200


def test_an_entity_that_was_deleted_is_made_anew(shop):
    shop.add("I like tea", user_id="ann")
    shop.delete("/v2/entities/user/ann/")

    shop.add("I like rice", user_id="ann")

    assert names(shop) == {("user", "ann"): 1}


@pytest.mark.parametrize("name", ["al/ice ü", "..", "a%2Fb", "what?", "a#b", "profile"])
def test_any_name_stands_in_an_address(shop, name):
    shop.add("I like tea", user_id=name)
    path = f"/v2/entities/user/{quote(name, safe='')}/"

    assert shop.get(path).json()[0]["name"] == name
    assert shop.get(f"{path}profile/").json()["entity_id"] == name
    assert shop.get(f"/v1/memories/user/{quote(name, safe='')}/").json()["count"] == 1
    assert shop.delete(path).status_code == 200
    assert shop.texts({"user_id": "*"}) == set()


def test_unknown_entities_are_404_and_other_types_400(shop):
    assert shop.get("/v2/entities/user/nobody/").status_code == 404
    assert shop.delete("/v2/entities/user/nobody/").status_code == 404
    assert shop.delete("/v2/entities/pet/rex/").status_code == 400
    assert shop.get("/v2/entities/user/nobody/profile/").status_code == 404
    assert shop.delete("/v1/entities/user/4711/").status_code == 404


def test_an_entity_is_deleted_by_its_number(shop):
    shop.add("I like tea", user_id="ann")
    [entity] = shop.get("/v1/entities/").json()["results"]

    assert shop.delete(f"/v1/entities/user/{entity['id']}/").status_code == 200
    assert shop.texts({"user_id": "ann"}) == set()


def test_nobody_deletes_by_the_number_of_another_account(shop, rival):
    shop.add("I like tea", user_id="ann")
    [entity] = shop.get("/v1/entities/").json()["results"]
    before = snapshot()

    assert rival.delete(f"/v1/entities/user/{entity['id']}/").status_code == 404
    assert snapshot() == before


def test_the_memories_of_an_entity_are_in_pages(shop):
    shop.add(*[f"Text {number}" for number in range(3)], user_id="ann")

    first = shop.get("/v1/memories/user/ann/", page_size="2").json()
    second = shop.get("/v1/memories/user/ann/", page_size="2", page="2").json()

    assert first["count"] == 3
    assert "page=2" in first["next"]
    assert len(first["results"]) == 2
    assert second["next"] is None
    assert "page=1" in second["previous"]
    assert shop.get("/v1/memories/user/ann/", page="3").status_code == 404


def test_one_answer_has_a_thousand_users_and_as_many_runs(shop, django_assert_max_num_queries):
    account = shop.member.user
    users = [
        User(user_id=f"u{number}", owner=account, external_id=f"user {number}")
        for number in range(1000)
    ]
    User.objects.bulk_create(users)
    tenant = Tenant(shop.member.key)
    for user in users:
        run = f"run {user.external_id}"
        register_entities(tenant, {"user_id": user.external_id, "run_id": run}, user=user)

    with django_assert_max_num_queries(20):
        entities = shop.get("/v1/entities/").json()

    assert len(entities["results"]) == entities["count"] == 2000
    assert entities["next"] is None


def test_what_came_by_another_door_is_an_entity(shop):
    member = shop.member.with_key(names_end_users=True)
    member.remember("I like tea", user_id="ann", infer=False)

    assert names(shop) == {("user", "ann"): 1}
    assert shop.delete("/v2/entities/user/ann/").status_code == 200


def test_the_account_itself_is_an_entity_once_it_is_named(shop):
    shop.add("I like tea", user_id="alice")

    assert names(shop) == {("user", "alice"): 1}
    assert shop.delete("/v2/entities/user/alice/").status_code == 200
    assert User.objects.filter(user_id="alice").exists()


def test_an_app_is_shown_the_names_of_what_it_may_read(shop):
    shop.add("I like tea", user_id="ann", agent_id="cook", run_id="tea", app_id="desk")
    [denied] = shop.add(
        "Her divorce", user_id="bea", agent_id="lawyer", run_id="divorce", app_id="law"
    )
    desk = shop.with_key(app_name="desk")
    desk.add("I like rice", user_id="bea")
    app = App.objects.get(name="desk", owner__external_id="bea")
    AccessRule.objects.create(app=app, memory_id=denied, effect="deny")

    assert names(desk) == {
        ("user", "ann"): 1,
        ("user", "bea"): 1,
        ("agent", "cook"): 1,
        ("run", "tea"): 1,
        ("app", "desk"): 2,
    }
    assert desk.get("/v1/entities/").json()["total_runs"] == 1
    assert desk.get("/v2/entities/run/divorce/").status_code == 404
    assert desk.get("/v1/memories/agent/lawyer/").status_code == 404
    assert ("run", "divorce") in names(shop)
