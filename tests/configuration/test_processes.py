"""A change takes effect in every process without a restart: tested with two web servers."""

import os
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from urllib.parse import quote

import pytest
import requests
from django.conf import settings
from django.db import connection

from tests.configuration.bodies import MASK, SECRET, openai
from tests.deadline import SECONDS
from tests.free_ports import free_port

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@contextmanager
def serving():
    """Run a web server in a process, with the test database: yields its address."""
    port = free_port()
    database = connection.settings_dict
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "openmemory.settings",
        "DATABASE_URL": f"postgresql://{database['USER']}@/{database['NAME']}"
        f"?host={quote(database['HOST'], safe='')}&port={database['PORT']}",
        "OPENMEMORY_STATE_DIR": str(settings.STATE_DIR),
        "HOST": "127.0.0.1",
        "PORT": str(port),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "server.web"], cwd=settings.BASE_DIR, env=environment
    )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until_it_answers(address, process)
        yield f"{address}/api/v1"
    finally:
        process.terminate()
        process.wait(SECONDS)


def wait_until_it_answers(address, process):
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if requests.get(f"{address}/health/live", timeout=SECONDS).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise AssertionError("The web server did not respond.")


@pytest.fixture
def servers(transactional_db):
    with ExitStack() as stack:
        yield [stack.enter_context(serving()) for _ in range(2)]


def test_a_change_in_one_process_counts_in_the_other_with_the_next_request(olga, servers):
    one, other = servers
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {olga.secret}"
    before = session.get(f"{other}/config", timeout=SECONDS).json()

    for here, there, temperature in [(one, other, 0.5), (other, one, 1.5)]:
        body = openai(temperature=temperature, api_key=SECRET)
        changed = session.put(f"{here}/config/mem0/llm", json=body, timeout=SECONDS)

        assert changed.status_code == 200, changed.text
        assert changed.json()["config"]["temperature"] == temperature
        assert changed.json()["config"]["api_key"] == MASK
        assert session.get(f"{there}/config/mem0/llm", timeout=SECONDS).json() == changed.json()

    assert session.post(f"{one}/config/reset", timeout=SECONDS).json() == before
    assert session.get(f"{other}/config", timeout=SECONDS).json() == before
