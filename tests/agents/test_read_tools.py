import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents import cursors
from memories.models import Access, Memory, State
from tests.cast import Member


def texts(result):
    assert not result.is_error, result.text
    return [memory["text"] for memory in result.data["memories"]]


def test_a_search_finds_what_answers_a_question(agent_of_any_version, alice):
    alice.remember("Our dog Rex is afraid of thunder", app="desk")
    alice.remember("I work as a gardener", app="desk")

    result = agent_of_any_version.call("search_memories", query="What scares the dog?", limit=1)

    assert texts(result) == ["Our dog Rex is afraid of thunder"]
    (found,) = result.data["memories"]
    assert found["app"] == "desk"
    assert found["created_at"].endswith("Z")
    assert 0 <= found["similarity"] <= 1


def test_a_search_returns_nothing_where_nothing_fits_unless_told_to(agent, alice):
    for text in (
        "Our dog Rex is afraid of thunder", "I work as a gardener", "My sister plays the cello",
        "The car is at the garage", "We drink tea in the evening", "Anna swims every morning",
        "The dentist is on Monday", "I am allergic to nuts", "The bike has a flat tyre",
        "My brother bakes bread",
    ):  # fmt: skip
        alice.remember(text, app="desk", infer=False)
    query = "What is the capital of Mongolia?"

    assert texts(agent.call("search_memories", query=query)) == []
    assert texts(agent.call("search_memories", query=query, min_score=0))


def test_what_is_known_comes_as_one_text_within_a_budget(agent, alice):
    memory = alice.remember("Our dog Rex is afraid of thunder", app="desk", infer=False)

    for arguments in ({"query": "What scares the dog?"}, {}, {"query": "", "include": "recent"}):
        recalled = agent.call("recall_context", max_tokens=200, **arguments).data
        assert recalled["memories"] == [memory["id"]]
        assert f"[{memory['id']}]" in recalled["text"]
        assert 0 < recalled["tokens"] <= 200
    nothing = agent.call("recall_context", query="dog", at="2024-01-31", actors=["nobody"]).data
    assert (nothing["text"], nothing["memories"], nothing["tokens"]) == ("", [], 0)


def test_what_a_tool_answers_stands_in_its_text_as_well(agent, alice):
    alice.remember("Our dog Rex is afraid of thunder", app="desk")

    result = agent.call("get_memories")

    assert json.loads(result.text) == result.data


def test_what_a_search_leaves_over_follows_its_cursor(agent, alice):
    for name in ("Rex", "Bello", "Hasso"):
        alice.remember(f"{name} is a dog", app="desk", infer=False)

    first = agent.call("search_memories", query="dog", limit=2)
    rest = agent.call("search_memories", query="dog", limit=2, cursor=first.data["next_cursor"])

    assert len(texts(first)) == 2
    assert {text.split()[0] for text in texts(first) + texts(rest)} == {"Bello", "Hasso", "Rex"}
    assert rest.data["next_cursor"] is None


def test_a_search_shows_what_was_said_around_what_it_finds(agent, alice):
    for actor, text in [("Ana", "Any news?"), ("Ben", "The heron is back."), ("Ana", "Lovely!")]:
        alice.remember(text, actor=actor, app="desk", conversation="c", infer=False)

    asked = {"query": "Which bird is back?", "limit": 1}
    (alone,) = agent.call("search_memories", **asked).data["memories"]
    (found,) = agent.call("search_memories", **asked, include_context=2).data["memories"]

    assert (alone["before"], alone["after"]) == ([], [])
    assert [(said["actor"], said["text"]) for said in found["before"]] == [("Ana", "Any news?")]
    assert [(said["actor"], said["text"]) for said in found["after"]] == [("Ana", "Lovely!")]
    assert set(found["before"][0]) == {"id", "text", "actor", "created_at"}
    noted = Access.objects.order_by("pk").values_list("access_type", flat=True)
    assert list(noted) == ["search", "search", "context", "context"]


def test_an_answer_has_room_for_only_so_much_context(agent, alice, monkeypatch):
    for number in range(6):
        alice.remember(f"Heron {number} " + "x" * 500, actor="Ana", app="desk", infer=False)
    monkeypatch.setattr(cursors, "MAX_CHARACTERS", 2500)

    alone = agent.call("search_memories", query="heron")
    around = agent.call("search_memories", query="heron", include_context=1)

    assert len(texts(alone)) == 4
    assert len(texts(around)) in (1, 2)
    assert around.data["next_cursor"] == str(len(texts(around)))


def test_a_list_goes_on_where_it_ended_though_something_was_put_down_meanwhile(agent, alice):
    for number in range(5):
        alice.remember(f"Fact {number}", app="desk", infer=False, timestamp=1000 + number)
    first = agent.call("get_memories", limit=2)
    alice.remember("Fact 5", app="desk", infer=False)

    second = agent.call("get_memories", limit=2, cursor=first.data["next_cursor"])
    third = agent.call("get_memories", limit=2, cursor=second.data["next_cursor"])

    assert texts(first) + texts(second) + texts(third) == [f"Fact {n}" for n in (4, 3, 2, 1, 0)]
    assert third.data["next_cursor"] is None


@pytest.mark.slow
def test_an_answer_has_no_more_characters_than_a_model_can_take_in(agent, alice):
    for number in range(4):
        alice.remember(f"{number} " + "long " * 4000, app="desk", infer=False)

    first = agent.call("get_memories", limit=4)
    rest = agent.call("get_memories", limit=4, cursor=first.data["next_cursor"])

    assert len(first.text) < 2 * cursors.MAX_CHARACTERS
    assert [text[0] for text in texts(first) + texts(rest)] == ["3", "2", "1", "0"]


def test_memories_are_found_by_category_and_by_day(agent, alice):
    alice.remember("Our dog Rex is afraid of thunder", app="desk", timestamp=86_400)
    alice.remember("I take my coffee black", app="desk", timestamp=3 * 86_400)

    assert texts(agent.call("get_memories", categories=["pets"])) == [
        "Our dog Rex is afraid of thunder"
    ]
    assert texts(agent.call("get_memories", from_date="1970-01-03")) == ["I take my coffee black"]
    assert texts(agent.call("search_memories", query="dog", to_date="1970-01-02")) == [
        "Our dog Rex is afraid of thunder"
    ]


def test_the_first_and_the_last_day_that_there_are_leave_nothing_out(agent, alice):
    alice.remember("Our dog Rex is afraid of thunder", app="desk")
    always = {"from_date": "0001-01-01", "to_date": "9999-12-31"}

    for tool, others in (("get_memories", {}), ("search_memories", {"query": "dog"})):
        assert texts(agent.call(tool, **others, **always)) == ["Our dog Rex is afraid of thunder"]


@pytest.mark.parametrize("tool", ["get_memories", "search_memories", "get_related"])
@pytest.mark.parametrize("cursor", ["yesterday", "-1", "1e3", "9" * 5000, "2026-01-01|x"])
def test_a_cursor_that_no_tool_gave_is_refused(tool, cursor, agent, alice):
    memory_id = alice.remember("Our dog Rex is afraid of thunder")["id"]
    asked = {"search_memories": {"query": "dog"}, "get_related": {"memory_id": memory_id}}

    result = agent.call(tool, cursor=cursor, **asked.get(tool, {}))

    assert result.is_error
    assert "Leave it out to start" in result.text


def test_a_memory_is_shown_in_whatever_state_it_is(agent, alice):
    memory_id = alice.remember("Our dog Rex is afraid of thunder", app="desk")["id"]
    alice.post("/memories/actions/pause", {"memory_ids": [memory_id]})

    result = agent.call("get_memory", memory_id=memory_id)

    assert result.data["state"] == State.PAUSED
    assert result.data["text"] == "Our dog Rex is afraid of thunder"


def test_an_unknown_memory_is_an_error_that_says_where_ids_come_from(agent_of_any_version):
    unknown = "00000000-0000-4000-8000-000000000000"

    result = agent_of_any_version.call("get_memory", memory_id=unknown)

    assert result.is_error
    assert "Memory not found." in result.text
    assert "search_memories" in result.text
    assert "(memory_not_found)" in result.text


def test_memories_of_the_same_theme_are_related(agent, alice):
    rex = alice.remember("Our dog Rex is afraid of thunder", app="desk")["id"]
    alice.remember("Our cat Minka sleeps all day", app="desk")
    alice.remember("I take my coffee black", app="desk")

    assert texts(agent.call("get_related", memory_id=rex)) == ["Our cat Minka sleeps all day"]


def test_apps_are_listed_with_what_they_put_down_and_read(agent, alice):
    alice.remember("Our dog Rex is afraid of thunder", app="desk")
    alice.remember("Our cat Minka sleeps all day", app="phone")
    agent.call("search_memories", query="dog")

    result = agent.call("list_apps")

    shown = {app["name"]: (app["memories"], app["memories_read"]) for app in result.data["apps"]}
    assert shown == {"desk": (1, 2), "phone": (1, 0)}


def test_each_reading_is_written_to_the_access_log_of_the_memory(agent, alice):
    memory_id = alice.remember("Our dog Rex is afraid of thunder", app="desk")["id"]

    agent.call("search_memories", query="dog")
    agent.call("get_memories")
    agent.call("get_memory", memory_id=memory_id)
    agent.ask("resources/read", {"uri": "memory://categories/pets"})

    noted = Access.objects.filter(memory=memory_id, app__name="desk").order_by("id")
    assert [each.access_type for each in noted] == ["search", "list", "get", "resource"]


def test_an_app_reads_what_its_rules_allow(agent, alice):
    secret = alice.remember("I am afraid of dentists", app="desk")["id"]
    alice.remember("Our dog Rex is afraid of thunder", app="desk")
    app_id = Memory.objects.get(pk=secret).app_id
    alice.post(f"/apps/{app_id}/rules", {"memory_id": secret, "effect": "deny"})

    assert texts(agent.call("get_memories")) == ["Our dog Rex is afraid of thunder"]
    assert "dentists" not in agent.call("search_memories", query="afraid of what?").text
    assert agent.call("get_memory", memory_id=secret).is_error


def test_a_search_makes_no_more_statements_than_over_the_api(agent, alice):
    alice.remember("Our dog Rex is afraid of thunder", app="desk")
    agent.call("search_memories", query="dog")
    bound = Member(alice.user, alice.key, agent.secret)

    with CaptureQueriesContext(connection) as over_api:
        bound.post("/memories/search", {"query": "What scares the dog?"})
    with CaptureQueriesContext(connection) as over_mcp:
        agent.call("search_memories", query="What scares the dog?")

    assert len(over_mcp) <= len(over_api)


def test_what_one_said_or_what_was_said_in_one_conversation_is_found(agent):
    tea = agent.call("add_memory", text="I like tea.", actor="Ana", conversation="one").data["id"]
    agent.call("add_memory", text="I like cocoa.", actor="Bo", conversation="two")

    for asked in ({"actors": ["ana"]}, {"conversations": ["one"]}):
        found = agent.call("search_memories", query="What do they like?", **asked)
        listed = agent.call("get_memories", **asked)

        assert [memory["id"] for memory in found.data["memories"]] == [tea]
        assert [memory["id"] for memory in listed.data["memories"]] == [tea]


def test_tools_answer_what_was_known_at_a_moment(agent, alice):
    memory = alice.remember("Our dog is called Rex", app="desk", infer=False)
    connection.check_constraints()  # writes the lines of the log
    then = timezone.now().isoformat()
    alice.patch(f"/memories/{memory['id']}", {"text": "The moon is far away"})
    connection.check_constraints()
    query = "What is the dog called?"

    for arguments, text in (
        ({}, "The moon is far away"),
        ({"as_of": then}, "Our dog is called Rex"),
    ):
        assert texts(agent.call("get_memories", **arguments)) == [text]
        found = agent.call("search_memories", query=query, min_score=0, **arguments)
        assert texts(found) == [text]
        assert agent.call("get_memory", memory_id=memory["id"], **arguments).data["text"] == text


@pytest.mark.parametrize("tool", ["get_memories", "search_memories"])
@pytest.mark.parametrize("moment", [1, "2999-01-01T00:00:00Z", "yesterday"])
def test_tools_name_a_moment_that_they_cannot_answer(agent, alice, tool, moment):
    alice.remember("Our dog is called Rex", app="desk", infer=False)
    connection.check_constraints()
    query = {"query": "dog"} if tool == "search_memories" else {}

    result = agent.call(tool, as_of=moment, **query)

    assert result.is_error
    assert "as_of" in result.text or "log begins" in result.text or "passed" in result.text
