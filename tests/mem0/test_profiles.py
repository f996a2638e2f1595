"""Profiles of users, by the language model of the configuration."""

import pytest
from django.db import connection

from configuration.fake import Fault
from configuration.models import Configuration
from jobs.runner import run_due
from mem0.models import Profile

SETTINGS = "/v2/profiles/settings/"
JOBS = "/v2/profiles/jobs/"
SCHEMA = {"type": "object", "properties": {"drink": {"type": "string"}}, "required": ["drink"]}
TRIGGER = {"operation": "trigger", "entity_type": "user", "entity_id": "ann"}


def enable(client, schema=SCHEMA):
    user = {"schema": schema, "custom_instructions": "Be brief"}
    answer = client.post(SETTINGS, {"enabled": True, "entities": {"user": user}})
    assert answer.status_code == 200, answer.content
    return answer.json()


def profile(client, name="ann"):
    return client.get(f"/v2/entities/user/{name}/profile/").json()


def test_a_profile_is_made_by_a_job(shop, llm):
    shop.add("I drink tea", user_id="ann")
    assert profile(shop)["status"] == "not_enabled"
    assert enable(shop)["entities"]["user"]["schema"] == SCHEMA

    job = shop.post(JOBS, TRIGGER).json()
    assert (job["operation"], job["entity_count_reserved"], job["replayed"]) == (
        "trigger",
        1,
        False,
    )
    assert profile(shop)["status"] == "pending"
    assert shop.get(f"/v1/event/{job['event_id']}/").json()["status"] == "PENDING"
    run_due()

    shown = profile(shop)
    assert (shown["status"], shown["profile"]) == ("succeeded", {"drink": "I drink tea"})
    assert shown["generation_count"] == 1
    assert "Be brief" in llm.bodies[0]["messages"][0]["content"]
    assert shop.get(job["status_url"]).json()["job"] == {
        "id": job["job_id"], "operation": "trigger", "entity_type": "user", "status": "succeeded",
        "total": 1, "enumeration_complete": True, "completed": 1, "succeeded": 1, "failed": 0,
        "skipped": 0,
    }  # fmt: skip
    assert shop.get(f"/v1/event/{job['event_id']}/").json()["status"] == "SUCCEEDED"


def test_settings_that_are_not_named_stay(shop, llm):
    enable(shop)

    shop.post(SETTINGS, {"entities": {"user": {"schema": None}}})

    shown = shop.get(SETTINGS).json()
    assert shown["enabled"] is True
    assert shown["entities"]["user"] == {"schema": None, "custom_instructions": "Be brief"}


def test_the_first_profile_is_made_when_it_is_asked_for(shop, llm):
    shop.add("I drink tea", user_id="ann")
    enable(shop)

    assert profile(shop)["status"] == "pending"
    run_due()
    assert profile(shop)["status"] == "succeeded"


def test_a_user_without_memories_has_no_profile(shop, llm):
    [pk] = shop.add("I drink tea", user_id="ann")
    enable(shop)
    profile(shop)
    run_due()
    shop.delete(f"/v1/memories/{pk}/")

    assert profile(shop)["status"] == "insufficient_data"
    assert profile(shop)["profile"] == {}
    job = shop.post(JOBS, TRIGGER).json()
    run_due()
    assert shop.get(job["status_url"]).json()["job"]["skipped"] == 1


def test_a_profile_tells_nothing_that_was_deleted(shop, llm):
    shop.add("I drink tea", user_id="ann")
    enable(shop)
    profile(shop)
    run_due()
    connection.check_constraints()
    assert profile(shop)["profile"] == {"drink": "I drink tea"}

    shop.delete("/v2/entities/user/ann/")
    shop.add("I drink milk", user_id="ann")
    connection.check_constraints()

    assert (profile(shop)["status"], profile(shop)["profile"]) == ("pending", {})
    run_due()
    assert profile(shop)["profile"] == {"drink": "I drink milk"}


def test_a_sample_is_of_several_users(shop, llm):
    for name in ("ann", "bo", "cy"):
        shop.add("I drink tea", user_id=name)
    enable(shop)

    body = {"operation": "sample", "entity_type": "user", "limit": 2}
    job = shop.post(JOBS, body).json()

    assert (job["sampled"], len(job["entity_ids"])) == (2, 2)
    run_due()
    assert shop.get(job["status_url"]).json()["job"]["succeeded"] == 2


def test_the_same_idempotency_key_is_the_same_job(shop, llm):
    shop.add("I drink tea", user_id="ann")
    enable(shop)
    first = shop.send("POST", JOBS, TRIGGER, idempotency_key="one").json()

    again = shop.send("POST", JOBS, TRIGGER, idempotency_key="one").json()
    other = {**TRIGGER, "entity_id": "x"}

    assert again == {**first, "replayed": True}
    assert shop.send("POST", JOBS, other, idempotency_key="one").status_code == 422


def test_a_profile_that_fails_says_why(shop, llm):
    shop.add("I drink tea", user_id="ann")
    enable(shop)
    llm.fault = Fault.MISFIT
    shop.post(JOBS, TRIGGER)
    run_due()

    assert (profile(shop)["status"], profile(shop)["error"] is None) == ("failed", False)


@pytest.mark.parametrize(
    "body",
    [
        {}, {"enabled": "yes"}, {"colour": 1}, {"enabled": True, "colour": 1}, {"entities": {}},
        {"entities": []}, {"entities": {"agent": {}}}, {"entities": {"user": {"x": 1}}},
        {"entities": {"user": {"schema": {"type": "object"}}}},
        {"entities": {"user": {"custom_instructions": 7}}},
    ],
)  # fmt: skip
def test_settings_that_are_not_known_are_refused(shop, llm, body):
    assert shop.post(SETTINGS, body).status_code == 400
    assert shop.get(SETTINGS).json()["enabled"] is False


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400), ({**TRIGGER, "operation": "eat"}, 400), ({**TRIGGER, "entity_type": "run"}, 400),
        ({**TRIGGER, "entity_id": 7}, 400), ({**TRIGGER, "entity_id": "nobody"}, 404),
        ({"operation": "sample", "entity_type": "user", "limit": 0}, 400),
    ],
)  # fmt: skip
def test_jobs_that_are_not_clear_are_refused(shop, llm, body, status):
    shop.add("I drink tea", user_id="ann")
    enable(shop)

    assert shop.post(JOBS, body).status_code == status
    assert not Profile.objects.exists()


def test_jobs_are_refused_where_profiles_are_off(shop, llm):
    shop.add("I drink tea", user_id="ann")

    answer = shop.post(JOBS, TRIGGER)

    assert (answer.status_code, answer.json()["code"]) == (400, "profiles_not_enabled")


def test_without_the_model_they_are_off_again(shop, llm):
    shop.add("I drink tea", user_id="ann")
    enable(shop)
    Configuration.objects.all().delete()

    assert profile(shop)["status"] == "not_enabled"
    assert shop.get(SETTINGS).json()["enabled"] is False
    assert shop.post(SETTINGS, {"enabled": False}).status_code == 200


def test_another_account_and_bound_keys_reach_none(shop, rival, llm):
    shop.add("I drink tea", user_id="ann")
    enable(shop)
    job = shop.post(JOBS, TRIGGER).json()

    assert rival.get(job["status_url"]).status_code == 404
    assert rival.get("/v2/entities/user/ann/profile/").status_code == 404
    assert rival.get(SETTINGS).json()["entities"]["user"]["schema"] is None
    assert shop.get(f"{JOBS}nonsense/").status_code == 404
    bound, pinned = shop.with_key(app_name="desk"), shop.with_key(is_pinned=True)
    assert bound.post(JOBS, TRIGGER).status_code == 403
    assert bound.get("/v2/entities/user/ann/profile/").status_code == 403
    assert bound.post(SETTINGS, {"enabled": False}).status_code == 403
    assert pinned.post(JOBS, TRIGGER).status_code in (403, 404)
    assert pinned.get("/v2/entities/user/ann/profile/").status_code in (403, 404)
    assert pinned.get(job["status_url"]).status_code == 404
