"""`include_context`: what was said before and after what a search finds."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps_registry.models import AccessRule, Effect
from memories.models import Access, Memory, State
from tests.cast import Member, errors_of
from tests.memories.stock import stock

pytestmark = pytest.mark.slow

LINES = ["Good morning.", "Any news?", "The heron is back at the pond.", "How nice.", "Bye then."]
QUESTION = "Which bird is at the pond?"


@pytest.fixture
def talk(alice) -> list[str]:
    """The ids of a conversation, of which the middle is asked for."""
    memories = [
        alice.remember(text, actor=actor, conversation="c", infer=False, timestamp=1_700_000_000)
        for text, actor in zip(LINES, ["Ana", "Ben", "Ana", "Ben", "Ana"], strict=True)
    ]
    return [memory["id"] for memory in memories]


def best(member: Member, places: int, **body) -> dict:
    body = {"query": QUESTION, "top_k": 1, "include_context": places, **body}
    answer = member.post("/memories/search", body)
    assert answer.status_code == 200, answer.content
    return answer.json()["results"][0]


def context_of(member: Member, places: int, **body) -> tuple[list[str], list[str]]:
    context = best(member, places, **body)["context"]
    return tuple([memory["text"] for memory in context[side]] for side in ("before", "after"))


def test_a_result_comes_with_what_was_said_before_and_after_it(alice, talk):
    assert context_of(alice, 1) == (["Any news?"], ["How nice."])
    assert context_of(alice, 2) == (LINES[:2], LINES[3:])
    assert context_of(alice, 10) == (LINES[:2], LINES[3:])


def test_what_was_said_around_a_result_is_shown_as_a_memory_is(alice, talk):
    context = best(alice, 1)["context"]

    assert context["before"] == [alice.get(f"/memories/{talk[1]}").json()]


def test_the_ends_of_a_conversation_have_nothing_beyond(alice, talk):
    assert context_of(alice, 1, query="Good morning.") == ([], ["Any news?"])
    assert context_of(alice, 1, query="Bye then.") == (["How nice."], [])


def test_a_fact_has_nothing_around_it(alice):
    alice.remember("The heron is back at the pond.")

    assert best(alice, 3)["context"] == {"before": [], "after": []}


def test_nothing_is_shown_around_a_result_unless_it_is_asked_for(alice, talk):
    answer = alice.post("/memories/search", {"query": QUESTION})

    assert [result["context"] for result in answer.json()["results"]] == [None] * 5
    assert best(alice, 0)["context"] is None


@pytest.mark.parametrize("state", [State.PAUSED, State.ARCHIVED, State.DELETED])
def test_only_active_memories_are_shown_around_a_result(alice, talk, state):
    Memory.objects.filter(pk=talk[1]).change_state(state, by=alice.user)

    assert context_of(alice, 1) == (["Good morning."], ["How nice."])


def test_an_app_is_shown_around_a_result_only_what_it_may_read(alice, talk):
    app = Memory.objects.get(pk=talk[1]).app
    AccessRule.objects.create(app=app, memory_id=talk[1], effect=Effect.DENY)

    assert context_of(alice, 1, app=app.name) == (["Good morning."], ["How nice."])


def test_filters_leave_nothing_out_of_the_exchange(alice, talk):
    assert context_of(alice, 1, filters={"actors": ["Ana"]}) == (["Any news?"], ["How nice."])


def test_what_is_shown_around_results_is_read_once_and_written_down(alice, talk):
    app = Memory.objects.get(pk=talk[0]).app
    Access.objects.all().delete()

    alice.post(
        "/memories/search",
        {"query": QUESTION, "top_k": 2, "include_context": 2, "app": app.name},
    )

    noted = Access.objects.values_list("access_type", flat=True)
    assert sorted(noted) == ["context"] * 3 + ["search"] * 2
    assert Access.objects.get(memory=talk[2]).access_type == "search"
    assert set(Access.objects.values_list("app__name", flat=True)) == {app.name}
    app.refresh_from_db()
    assert app.memories_read == 5


@pytest.mark.parametrize("places", [-1, 11, "2", 1.5, True])
def test_a_wrong_amount_of_context_is_refused(alice, places):
    answer = alice.post("/memories/search", {"query": "tea", "include_context": places})

    assert answer.status_code == 400
    assert errors_of(answer) == {("body", "include_context")}


def test_many_results_come_with_less_around_them(alice):
    fits = alice.post("/memories/search", {"query": "a", "top_k": 100, "include_context": 2})
    refused = alice.post("/memories/search", {"query": "a", "top_k": 100, "include_context": 3})

    assert fits.status_code == 200
    assert refused.status_code == 400
    assert [error["code"] for error in refused.json()["errors"]] == ["too_much_context"]
    assert "`include_context` can be at most 2" in refused.json()["errors"][0]["detail"]


def test_context_takes_two_statements_for_any_number_of_results(alice):
    stock(alice.user, [f"Heron number {number}." for number in range(60)], actor="Ana")

    def statements(top_k: int, places: int) -> int:
        with CaptureQueriesContext(connection) as context:
            best(alice, places, top_k=top_k, min_score=0)
        return len([query for query in context if not query["sql"].startswith("UPDATE")])

    without = statements(20, 0)

    assert statements(2, 1) == statements(20, 10) == without + 2
