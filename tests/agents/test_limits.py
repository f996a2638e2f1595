import pytest
from django.core.cache import caches

from memories.models import Memory
from tests.agents.agent import Agent


@pytest.fixture
def limits(settings):
    """Set limits for a minute; nothing was counted before."""
    caches["limits"].clear()

    def use(**rates):
        settings.RATE_LIMITS = {**settings.RATE_LIMITS, **rates}

    return use


def test_reads_and_writes_of_agents_are_counted_apart(agent, limits):
    limits(reads=(3, 60), writes=(1, 60))

    writes = [agent.call("add_memory", text=f"Fact {number}") for number in range(2)]
    reads = [agent.call("get_memories") for _ in range(4)]

    assert [result.is_error for result in writes] == [False, True]
    assert [result.is_error for result in reads] == [False, False, False, True]
    assert "Retry in" in reads[-1].text
    assert "(rate_limited)" in reads[-1].text
    assert Memory.objects.count() == 1


def test_agents_and_the_api_count_together(alice, limits):
    limits(reads=(2, 60))
    alice.get("/memories")
    alice.get("/memories")

    assert Agent(alice.secret).call("get_memories").is_error


def test_each_answer_tells_what_is_left(agent, limits):
    limits(reads=(3, 60))

    answer = agent.send("tools/call", {"name": "get_memories", "arguments": {}})

    assert answer.headers["X-RateLimit-Limit"] == "3"
    assert answer.headers["X-RateLimit-Remaining"] == "2"


def test_what_is_no_tool_is_refused_as_over_the_api(agent, limits):
    limits(reads=(1, 60))
    agent.send("tools/list")

    answer = agent.send("tools/list")

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0


def test_wrong_keys_are_limited_by_address(db, limits):
    limits(failed_keys=(2, 60))

    answers = [Agent("om_wrong", remote="127.9.9.9").send("tools/list") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [401, 401, 429]
