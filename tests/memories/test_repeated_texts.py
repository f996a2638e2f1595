"""A text that is stored again beside what cannot be found, or what may not be read."""

import pytest

from apps_registry.models import AccessRule, App
from memories.models import Memory
from tests.agents.agent import Agent

RECEIPT = {"id", "event", "job"}
TEXT = "The alarm code is 4711"


def hits(member, query: str) -> list[str]:
    results = member.post("/memories/search", {"query": query}).json()["results"]
    return [hit["id"] for hit in results]


def deny(member, memory_id: str | None, app: str = "desk") -> AccessRule:
    acting = App.objects.get(owner=member.user, name=app)
    return AccessRule.objects.create(app=acting, memory_id=memory_id, effect="deny")


@pytest.fixture
def desk(alice):
    return alice.with_key(app_name="desk")


@pytest.fixture
def writer(alice):
    return alice.with_key(app_name="desk", scopes=["write"])


@pytest.mark.parametrize("state", ["paused", "archived", "deleted"])
def test_a_text_whose_copy_is_put_aside_is_stored_anew_and_found(alice, state):
    first = alice.remember(TEXT)
    Memory.objects.filter(pk=first["id"]).change_state(state, by=alice.user)

    again = alice.remember(TEXT.upper())

    assert (again["event"], again["state"]) == ("ADD", "active")
    assert again["id"] != first["id"]
    assert hits(alice, TEXT) == [again["id"]]
    assert Memory.objects.get(pk=first["id"]).state == state
    assert alice.remember(TEXT)["id"] == again["id"]


def test_both_copies_are_there_when_the_first_is_resumed(alice):
    first = alice.remember(TEXT)
    selection = {"memory_ids": [first["id"]]}
    alice.post("/memories/actions/pause", selection)
    again = alice.remember(TEXT)

    alice.post("/memories/actions/pause", {**selection, "state": "active"})

    both = {first["id"], again["id"]}
    assert set(hits(alice, TEXT)) == both
    assert {item["id"] for item in alice.get("/memories").json()["items"]} == both
    assert alice.remember(TEXT)["id"] in both


@pytest.mark.parametrize("everything", [False, True])
def test_of_a_denied_duplicate_nothing_is_told(alice, desk, everything):
    denied = desk.remember(TEXT, metadata={"secret": "yes"})
    deny(alice, None if everything else denied["id"])

    answer = desk.remember(TEXT.lower(), metadata={"mine": 1})
    elsewhere = alice.with_key(app_name="phone").remember(TEXT.lower(), metadata={"mine": 1})

    assert answer["event"] == "ADD"
    assert answer["id"] != denied["id"]
    assert (answer["text"], answer["metadata_"]) == (TEXT.lower(), {"mine": 1})
    assert {name for name in answer if answer[name] != elsewhere[name]} == {
        "id", "app_id", "app_name", "created_at",
    } - ({"created_at"} if answer["created_at"] == elsewhere["created_at"] else set())  # fmt: skip


def test_a_denied_duplicate_changes_nothing_over_the_protocol_of_agents_either(alice, desk):
    denied = desk.remember(TEXT)
    deny(alice, denied["id"])
    agent = Agent(desk.secret)
    original = Agent(desk.secret, f"/mcp/desk/http/{alice.user.user_id}")

    added = agent.call("add_memory", text=TEXT).data
    Memory.objects.filter(pk=added["id"]).delete()
    text = original.call("add_memories", text=TEXT).text

    assert added["event"] == "ADD"
    assert denied["id"] not in (added["id"], text)
    assert '"ADD"' in text


def test_both_copies_are_shown_once_the_rule_is_gone(alice, desk):
    denied = desk.remember(TEXT)
    rule = deny(alice, denied["id"])
    again = desk.remember(TEXT)

    rule.delete()

    both = {denied["id"], again["id"]}
    assert set(hits(desk, TEXT)) == both
    assert {item["id"] for item in desk.get("/memories").json()["items"]} == both
    third = desk.remember(TEXT)
    assert (third["event"], third["id"] in both) == ("DUPLICATE", True)
    edited = desk.put(f"/memories/{again['id']}", {"memory_content": "Another code"})
    assert edited.status_code == 200


def test_a_key_that_may_not_read_is_answered_a_receipt(alice, desk, writer):
    stored = desk.remember(TEXT, metadata={"secret": "yes"})
    path = f"/memories/{stored['id']}"

    new = writer.post("/memories", {"text": "I like tea"}).json()
    known = writer.post("/memories", {"text": TEXT}).json()
    same = writer.put(path, {"memory_content": TEXT}).json()
    edited = writer.put(path, {"memory_content": "Another code"}).json()

    assert all(set(answer) == RECEIPT for answer in (new, known, same, edited))
    assert (new["event"], new["job"]) == ("ADD", None)
    assert known == {"id": stored["id"], "event": "DUPLICATE", "job": None}
    assert same == edited == {"id": stored["id"], "event": "UPDATE", "job": None}


def test_an_agent_that_may_not_read_is_answered_a_receipt(alice, desk, writer):
    stored = desk.remember(TEXT, metadata={"secret": "yes"})
    agent = Agent(writer.secret)
    original = Agent(writer.secret, f"/mcp/desk/http/{alice.user.user_id}")

    known = agent.call("add_memory", text=TEXT)
    edited = agent.call("update_memory", memory_id=stored["id"], text=TEXT)
    of_original = original.call("add_memories", text=TEXT)

    assert known.data == {"id": stored["id"], "event": "DUPLICATE", "job": None}
    assert edited.data == {"id": stored["id"], "event": "UPDATE", "job": None}
    for result in (known, edited, of_original):
        assert not result.is_error
        assert "4711" not in result.text
        assert "secret" not in result.text


def test_a_denied_memory_is_unknown_to_whatever_writes(alice, desk):
    denied = desk.remember(TEXT)["id"]
    deleted = desk.remember("I like tea")["id"]
    for memory_id in (denied, deleted):
        deny(alice, memory_id)
    Memory.objects.filter(pk=deleted).change_state("deleted", by=alice.user)
    unknown = "00000000-0000-4000-8000-000000000000"

    for memory_id in (denied, deleted, unknown):
        answers = [
            desk.put(f"/memories/{memory_id}", {"memory_content": "x"}),
            desk.delete(f"/memories/{memory_id}"),
            desk.delete("/memories", {"memory_ids": [memory_id]}),
            desk.post("/memories/actions/archive", {"memory_ids": [memory_id]}),
            desk.post("/memories/actions/pause", {"memory_ids": [memory_id]}),
        ]
        assert {answer.status_code for answer in answers} == {404}
