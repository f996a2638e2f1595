from __future__ import annotations

import pytest


@pytest.fixture
def keys(shared_server, request):
    """The keys of two accounts."""
    names = [f"{request.node.name}-{number}" for number in range(2)]
    made = [shared_server.call("POST", "/users", json={"user_id": name}) for name in names]
    return [each["api_key"] for each in made]
