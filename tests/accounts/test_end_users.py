"""An account's key names its end users by any string, and reaches nobody else's."""

from concurrent.futures import ThreadPoolExecutor
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.end_users import find_end_user, store_end_user
from accounts.models import ApiKey, User
from apps_registry.models import App
from jobs.models import Job
from memories.models import Memory
from operators.belongings import count_belongings
from operators.erase import erase_user
from operators.models import Receipt
from tests.agents.agent import Agent
from tests.cast import Member

ANNA = "al/ice ü?#%..@example.org"


@pytest.fixture
def shop(alice: Member) -> Member:
    """Alice's account, with a key that names end users."""
    return alice.with_key(names_end_users=True)


@pytest.fixture
def other_shop(bob: Member) -> Member:
    return bob.with_key(names_end_users=True)


def end_users_of(account: Member) -> set[str]:
    return set(account.user.end_users.values_list("external_id", flat=True))


def texts(answer) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [each["content"] for each in answer.json()["items"]]


def remember(account: Member, user_id: str, text: str = "Likes tea") -> dict:
    return account.remember(text, user_id=user_id, infer=False)


def test_the_first_write_makes_an_end_user_and_no_read_does(shop):
    name = {"user_id": ANNA}
    assert texts(shop.get("/memories", name)) == []
    assert shop.post("/memories/search", {"query": "tea", **name}).json()["results"] == []
    assert shop.get("/stats", name).json()["total_memories"] == 0
    assert shop.get("/apps", name).json()["total"] == 0
    assert shop.post("/memories/context", {"query": "tea", **name}).json()["text"] == ""
    assert end_users_of(shop) == set()

    remember(shop, ANNA)

    assert end_users_of(shop) == {ANNA}
    assert texts(shop.get("/memories", name)) == ["Likes tea"]
    assert texts(shop.get("/memories")) == []


def test_a_refused_write_makes_no_end_user(shop):
    App.objects.create(owner=shop.user, name="desk", is_active=False)
    bound = shop.with_key(names_end_users=True, app_name="desk")

    assert shop.post("/memories", {"user_id": "anna", "text": ""}).status_code == 400
    assert shop.post("/memories", {"user_id": "anna", "text": "x", "a": 1}).status_code == 400
    assert shop.delete("/memories", {"user_id": "anna", "memory_ids": [ANNA]}).status_code == 400
    assert bound.post("/memories", {"user_id": "anna", "text": "x"}).status_code == 403
    pausing = {"user_id": "anna", "global_pause": True}
    assert shop.post("/memories/actions/pause", pausing).status_code == 200

    assert not bound.user.end_users.filter(memories__isnull=False).exists()
    assert Memory.objects.count() == 0


def test_the_same_name_under_two_accounts_is_two_people(shop, other_shop):
    remember(shop, "anna", "Has a dog")
    remember(other_shop, "anna", "Has a cat")

    assert texts(shop.get("/memories", {"user_id": "anna"})) == ["Has a dog"]
    assert texts(other_shop.get("/memories", {"user_id": "anna"})) == ["Has a cat"]


def test_no_name_reaches_another_account(shop, other_shop, olga):
    theirs = remember(other_shop, "anna")["id"]
    made_up = other_shop.user.end_users.get().user_id

    for name in (other_shop.user.user_id, made_up, "bob/anna", olga.user.user_id):
        found = shop.post("/memories/search", {"query": "tea", "user_id": name})
        assert found.json()["results"] == []
        assert shop.get(f"/memories/{theirs}?user_id={name}").status_code == 404


def test_the_accounts_own_id_is_the_account(shop):
    remember(shop, "alice", "Is a shop")

    assert texts(shop.get("/memories")) == ["Is a shop"]
    assert end_users_of(shop) == set()


@pytest.mark.parametrize("name", ["x" * 256, "a\0b", "*"])
def test_a_name_that_cannot_be_one_is_refused(shop, name):
    answer = shop.post("/memories", {"text": "Likes tea", "user_id": name})

    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert end_users_of(shop) == set()


def test_only_so_many_end_users_are_made(shop, settings):
    settings.MAX_END_USERS = 1
    remember(shop, "anna")

    answer = shop.post("/memories", {"text": "Likes tea", "user_id": "ben"})

    assert (answer.status_code, answer.json()["code"]) == (413, "end_user_quota")
    remember(shop, "anna", "Likes milk")
    assert end_users_of(shop) == {"anna"}


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_first_writes_at_once_make_one_end_user(shop):
    def write(number: int) -> int:
        try:
            body = {"text": f"Number {number}", "user_id": "anna", "infer": False}
            return shop.post("/memories", body).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as executor:
        statuses = list(executor.map(write, range(8)))

    assert statuses == [200] * 8
    assert Memory.objects.filter(user__external_id="anna").count() == 8
    assert end_users_of(shop) == {"anna"}


def test_a_write_made_again_with_its_idempotency_key_is_of_the_same_end_user(shop):
    body = {"text": "Likes tea", "user_id": "anna", "infer": False}

    answers = [shop.post("/memories", body, **{"Idempotency-Key": "one"}) for _ in range(2)]

    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["Idempotency-Replayed"] == "true"
    nothing = {"global_pause": True, "user_id": "nobody"}
    paused = shop.post("/memories/actions/pause", nothing, **{"Idempotency-Key": "two"})
    assert paused.status_code == 200
    connection.check_constraints()


def test_many_memories_at_once_are_of_one_end_user(shop):
    body = {"user_id": "anna", "memories": [{"text": "Tea", "user_id": "anna", "infer": False}]}

    assert shop.post("/memories/bulk", body).status_code == 200

    assert texts(shop.get("/memories", {"user_id": "anna"})) == ["Tea"]


def test_an_agent_finds_and_stores_what_an_end_user_said(shop):
    agent = Agent(shop.secret, address="/mcp?user_id=anna")
    assert agent.call("search_memories", query="tea").data["memories"] == []
    assert end_users_of(shop) == set()

    agent.call("add_memory", text="Likes tea", infer=False)

    assert texts(shop.get("/memories", {"user_id": "anna"})) == ["Likes tea"]
    assert len(agent.call("search_memories", query="tea").data["memories"]) == 1


def test_a_deactivated_end_user_is_neither_read_nor_written(shop):
    remember(shop, "anna")
    shop.user.end_users.update(is_active=False)

    for answer in (
        shop.get("/memories", {"user_id": "anna"}),
        shop.post("/memories", {"text": "x", "user_id": "anna"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "end_user_deactivated")


def test_keys_of_end_users_end_with_the_account(shop):
    made = shop.post("/keys", {"name": "phone", "user_id": "anna"}).json()
    anna = Member(shop.user.end_users.get(), ApiKey.objects.get(pk=made["id"]), made["api_key"])
    assert anna.get("/memories", {"user_id": "anna"}).status_code == 200

    User.objects.filter(pk=shop.user.pk).update(is_active=False)

    assert anna.get("/memories").status_code == 401


def test_a_key_cannot_create_one_with_more_rights(alice, bob, shop, olga):
    pinned = alice.with_key(is_pinned=True)
    refused = [
        alice.post("/keys", {"name": "a", "end_users": True}),
        pinned.post("/keys", {"name": "a", "pinned": False}),
        shop.post("/keys", {"name": "a", "end_users": True, "pinned": True}),
        shop.post("/keys", {"name": "a", "end_users": True, "user_id": "anna"}),
    ]
    allowed = [
        shop.post("/keys", {"name": "a", "end_users": True}),
        olga.post("/keys", {"name": "a", "end_users": True, "user_id": "bob"}),
    ]
    inherited = pinned.post("/keys", {"name": "a"})

    assert [answer.json().get("code") for answer in refused] == [
        "key_too_strong", "key_too_strong", "end_users_not_named", "end_users_not_named",
    ]  # fmt: skip
    assert [answer.status_code for answer in allowed] == [201, 201]
    assert inherited.json()["pinned"] is True


def test_an_account_lists_its_end_users_and_no_others(shop, other_shop, alice, olga):
    remember(shop, "anna")
    remember(other_shop, "ben")

    listed = shop.get("/users").json()["items"]

    assert [(user["owner"], user["external_id"]) for user in listed] == [("alice", "anna")]
    assert shop.get("/users", {"external_id": "ben"}).json()["total"] == 0
    assert alice.get("/users").status_code == 403
    assert olga.get("/users", {"external_id": "ben"}).json()["items"][0]["owner"] == "bob"


def test_a_job_of_an_end_user_is_followed_as_its_address_stands(shop, other_shop):
    remember(shop, "anna")
    job = Job.objects.create(owner=shop.user.end_users.get(), kind="import")

    assert shop.get(f"/jobs/{job.pk}").status_code == 200
    assert other_shop.get(f"/jobs/{job.pk}").status_code == 404


def test_the_command_creates_keys_of_each_kind(alice):
    def create(*arguments: str) -> ApiKey:
        out = StringIO()
        call_command("create_api_key", *arguments, stdout=out, stderr=StringIO())
        return ApiKey.objects.authenticate(out.getvalue().strip())

    assert create("alice", "--end-users").names_end_users
    assert create("alice", "--pinned").is_pinned
    with pytest.raises(CommandError, match="not pinned"):
        create("alice", "--end-users", "--pinned")
    store_end_user(find_end_user(alice.user, "anna"))
    assert create("alice/anna").user.external_id == "anna"
    with pytest.raises(CommandError, match="cannot be an operator"):
        create("alice/anna", "--operator")


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_erasing_an_account_erases_its_end_users_and_no_others(shop, other_shop, monkeypatch):
    monkeypatch.setattr("operators.belongings.GROUP_SIZE", 2)
    for name in ("anna", "ben", "cleo"):
        remember(shop, name)
    shop.remember("Is a shop", infer=False)
    kept = remember(other_shop, "anna")["id"]
    assert count_belongings(shop.user)["User"] == 4

    erasure = erase_user(shop.user, by=None)

    assert (erasure.counts["Memory"], erasure.counts["User"]) == (4, 4)
    assert [str(pk) for pk in Memory.objects.values_list("pk", flat=True)] == [kept]
    assert set(User.objects.values_list("external_id", flat=True)) == {"", "anna"}
    assert Receipt.objects.about("alice").exists()


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_erasing_an_end_user_leaves_the_account_and_names_nobody(shop):
    remember(shop, "anna")
    remember(shop, "ben")

    call_command("erase_user", "alice/anna", "--yes", "--quiet", stdout=StringIO())

    assert end_users_of(shop) == {"ben"}
    assert Receipt.objects.about("alice/anna").exists()
    remember(shop, "anna", "Is new here")
    assert texts(shop.get("/memories", {"user_id": "anna"})) == ["Is new here"]


def test_what_is_about_an_end_user_counts_no_more_queries(shop, django_assert_max_num_queries):
    remember(shop, "anna")
    with django_assert_max_num_queries(5):
        shop.get("/memories", {"user_id": "anna"})
