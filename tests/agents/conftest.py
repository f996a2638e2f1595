import pytest

from tests.agents.agent import BEFORE, TODAY, Agent


@pytest.fixture
def agent(alice):
    """An agent of alice's, as the app `desk`."""
    return Agent(alice.with_key(app_name="desk").secret)


@pytest.fixture(params=[TODAY, BEFORE])
def agent_of_any_version(request, agent):
    return Agent(agent.secret, version=request.param)
