"""Nothing is counted twice or not at all, by eight clients at once and in two processes."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
import requests
from django.test import Client

from tests.configuration.test_processes import serving
from tests.deadline import SECONDS

CLIENTS = 8


@pytest.mark.slow
@pytest.mark.urls("tests.api.urls")
def test_eight_clients_at_once_get_exactly_what_is_allowed(limit):
    limit(reads=50)

    def call(_):
        client = Client(REMOTE_ADDR="192.0.2.8")
        return [client.get("/api/v1/echo").status_code for _ in range(10)]

    with ThreadPoolExecutor(CLIENTS) as pool:
        statuses = Counter(status for each in pool.map(call, range(CLIENTS)) for status in each)

    assert statuses == {200: 50, 429: 30}


@pytest.mark.slow
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_two_processes_count_together(olga, monkeypatch):
    monkeypatch.setenv("OPENMEMORY_RATE_READS", "50/d")
    monkeypatch.setenv("OPENMEMORY_RATE_FAILED_KEYS", "3/d")
    with ExitStack() as stack:
        servers = [stack.enter_context(serving()) for _ in range(2)]

        def call(number, key=olga.secret, times=10):
            session = requests.Session()
            session.headers["Authorization"] = f"Bearer {key}"
            url = f"{servers[number % 2]}/users/me"
            return [session.get(url, timeout=SECONDS).status_code for _ in range(times)]

        with ThreadPoolExecutor(CLIENTS) as pool:
            statuses = Counter(status for each in pool.map(call, range(CLIENTS)) for status in each)
        failed = [status for number in range(4) for status in call(number, "om_wrong", times=1)]

    assert statuses == {200: 50, 429: 30}
    assert failed == [401, 401, 401, 429]
