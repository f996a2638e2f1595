"""Requests at once. They commit, so that they see each other."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from accounts.models import User
from memories.models import Memory

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def test_twenty_identical_adds_make_one_memory(shop):
    body = {"messages": "I like tea", "user_id": "ann", "agent_id": "cook", "infer": False}

    def add(_):
        try:
            return shop.post("/v3/memories/add/", body)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(add, range(20)))

    assert {answer.status_code for answer in answers} == {200}
    events = sorted(answer.json()["results"][0]["event"] for answer in answers)
    assert events == ["ADD"] + ["NOOP"] * 19
    assert Memory.objects.count() == 1
    assert User.objects.filter(owner=shop.member.user).count() == 1
