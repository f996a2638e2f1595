"""What is remembered at all: without inference, and nothing of some categories, at every door."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from rest_framework.test import APIClient

from accounts.models import User
from backups.importing.import_archive import import_archive
from backups.importing.merge import Mode
from memories.models import Memory
from tests.agents.agent import Agent
from tests.backups.archives import archive_of
from tests.cast import Member

ILL = "I have asthma and take an inhaler every morning"
DOG = "Our dog Rex is afraid of thunder"


@pytest.fixture
def private(alice: Member) -> Member:
    """Alice, who keeps nothing about her health."""
    answer = alice.patch("/users/me", {"categories_not_kept": ["Health"]})
    assert answer.status_code == 200, answer.content
    assert answer.json()["categories_not_kept"] == ["Health"]
    return alice


def texts(member: Member) -> set[str]:
    return set(Memory.objects.owned_by(member.user).values_list("content", flat=True))


@pytest.mark.parametrize("infer", [True, False])
def test_a_text_of_a_category_that_is_not_kept_is_refused(private, bob, infer):
    answer = private.post("/memories", {"text": ILL, "infer": infer})

    assert answer.status_code == 422
    assert answer.json()["code"] == "category_not_kept"
    assert answer.json()["categories"] == ["health"]
    private.remember(DOG, infer=infer)
    assert texts(private) == {DOG}
    bob.remember(ILL)
    assert texts(bob) == {ILL}


def test_of_many_all_are_refused_or_those_alone(private):
    body = {"memories": [{"text": DOG}, {"text": ILL}]}

    assert private.post("/memories/bulk", body).status_code == 422
    assert texts(private) == set()
    answer = private.post("/memories/bulk", {**body, "atomic": False})
    statuses = [result["status"] for result in answer.json()["results"]]
    assert statuses == [200, 422]
    assert texts(private) == {DOG}


def test_an_edit_makes_no_such_memory(private):
    memory = private.remember(DOG)
    path = f"/memories/{memory['id']}"

    assert private.put(path, {"memory_content": ILL}).status_code == 422
    assert private.patch(path, {"text": ILL}).status_code == 422
    assert private.patch(path, {"categories": ["pets", "health"]}).status_code == 422
    body = {"ids": [memory["id"]], "changes": {"categories": ["health"]}}
    assert private.patch("/memories/bulk", body).status_code == 422
    assert texts(private) == {DOG}


def test_what_was_there_before_can_be_edited_otherwise_and_left(alice):
    memory = alice.remember(ILL)
    assert "health" in memory["categories"]
    alice.patch("/users/me", {"categories_not_kept": ["health"]})

    path = f"/memories/{memory['id']}"
    kept = alice.patch(path, {"categories": [*memory["categories"], "mine"]})
    assert kept.status_code == 200
    assert alice.patch(path, {"categories": ["mine"]}).status_code == 200
    assert alice.patch(path, {"categories": ["health"]}).status_code == 422


def test_agents_are_told(private):
    agent = Agent(private.with_key(app_name="desk").secret)

    refused = agent.call("add_memory", text=ILL)

    assert refused.is_error
    assert "keeps no memories of the category health" in refused.text
    assert texts(private) == set()


def test_clients_of_mem0_store_the_other_messages(private):
    messages = [{"role": "user", "content": text} for text in (ILL, DOG)]
    secret = private.secret

    def add(messages):
        client = APIClient(headers={"Authorization": f"Token {secret}"})
        body = {"messages": messages, "user_id": "alice", "infer": False}
        return client.post("/v3/memories/add/", body, format="json")

    [result] = add(messages).json()["results"]
    assert result["memory"] == DOG
    assert add(messages[:1]).json()["results"] == []
    assert texts(private) == {DOG}


def test_without_inference_every_text_is_stored_as_it_was_sent(alice):
    assert alice.get("/users/me").json()["infer"] is True
    assert alice.patch("/users/me", {"infer": False}).json()["infer"] is False

    first, second = alice.remember(DOG), alice.remember(DOG)

    assert first["categories"] == []
    assert first["id"] != second["id"]
    body = {"memories": [{"text": ILL}]}
    [result] = alice.post("/memories/bulk", body).json()["results"]
    assert Memory.objects.get(pk=result["id"]).categories.count() == 0
    path = f"/memories/{first['id']}"
    assert alice.patch(path, {"text": ILL}).json()["categories"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"infer": "perhaps"}, {"infer": None}, {"categories_not_kept": "health"},
        {"categories_not_kept": [""]}, {"categories_not_kept": ["x" * 101]},
        {"categories_not_kept": [f"c{n}" for n in range(51)]}, {"infers": True},
    ],
)  # fmt: skip
def test_other_settings_are_refused(alice, body):
    assert alice.patch("/users/me", body).status_code == 400

    user = User.objects.get(pk=alice.user.pk)
    assert (user.infer, user.categories_not_kept) == (True, [])


def test_an_app_cannot_change_them(private):
    key = private.with_key(app_name="desk")

    assert key.patch("/users/me", {"categories_not_kept": []}).status_code == 403


def test_a_row_has_a_bounded_number():
    field = User._meta.get_field("categories_not_kept")

    with pytest.raises(ValidationError):
        field.clean(["x"] * 51, None)


@pytest.mark.django_db(transaction=True, serialized_rollback=True)  # it reads what is committed
def test_an_archive_takes_the_settings_along(private, olga, tmp_path):
    private.patch("/users/me", {"infer": False, "time_zone": "Asia/Tokyo"})
    archive = archive_of(User.objects.get(pk=private.user.pk))
    copy = User(user_id="copy")

    import_archive(archive.fp, user=copy, mode=Mode.SKIP, by=olga.user)

    copy.refresh_from_db()
    assert (copy.infer, copy.categories_not_kept) == (False, ["Health"])
    assert copy.time_zone == "Asia/Tokyo"


def test_what_the_page_of_the_original_server_stores_is_categorized(alice, settings):
    settings.LEGACY_CLIENTS = True

    first, second = (alice.remember(DOG, infer=False) for _ in range(2))

    assert first["categories"] == ["pets"]
    assert first["id"] != second["id"]
    alice.patch("/users/me", {"infer": False})
    assert alice.remember(DOG, infer=False)["categories"] == []
