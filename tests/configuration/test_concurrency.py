"""Concurrent changes of the configuration."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection, connections, transaction

from configuration.models import Configuration, ConfigurationChange
from tests.cast import _member as member
from tests.configuration.bodies import openai, patch, patch_llm
from tests.deadline import SECONDS

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def in_thread(function):
    """Close the thread's connections: the test database is dropped at the end."""

    def run():
        try:
            return function()
        finally:
            connections.close_all()

    return run


def wait_for_blocked_transaction():
    deadline = time.monotonic() + SECONDS
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                "AND datname = current_database()"
            )
            if cursor.fetchone()[0]:
                return
    raise AssertionError("No transaction is blocked.")


def test_the_second_starts_from_what_the_first_one_did(olga):
    olga.put("/config/mem0/llm", openai())
    second_change = in_thread(lambda: patch_llm(olga, temperature=1.5))

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            row = Configuration.objects.locked()
            answer = threads.submit(second_change)
            wait_for_blocked_transaction()
            row.llm["max_tokens"] = 77
            row.save()
        config = answer.result().json()["mem0"]["llm"]["config"]

    assert (config["temperature"], config["max_tokens"]) == (1.5, 77)


def test_changes_of_different_fields_are_all_kept_and_all_told(olga):
    otto = member("otto", is_staff=True, is_superuser=True)
    bodies = [
        {"mem0": {"llm": {"config": {"temperature": 1.5}}}},
        {"mem0": {"llm": {"config": {"max_tokens": 77}}}},
        {"mem0": {"llm": {"config": {"ollama_base_url": "http://gpu:11434"}}}},
        {"mem0": {"embedder": {"config": {"ollama_base_url": "http://gpu:11435"}}}},
        {"openmemory": {"custom_instructions": "Keep what they eat."}},
    ]
    start = Barrier(len(bodies))

    def change(number):
        start.wait()
        return patch([olga, otto][number % 2], bodies[number]).status_code

    with ThreadPoolExecutor(len(bodies)) as threads:
        answers = [
            threads.submit(in_thread(lambda number=number: change(number)))
            for number in range(len(bodies))
        ]
        assert {answer.result() for answer in answers} == {200}

    mem0 = olga.get("/config").json()["mem0"]
    assert mem0["llm"]["config"].items() >= bodies[0]["mem0"]["llm"]["config"].items()
    assert mem0["llm"]["config"].items() >= bodies[1]["mem0"]["llm"]["config"].items()
    assert mem0["llm"]["config"]["ollama_base_url"] == "http://gpu:11434"
    assert mem0["embedder"]["config"]["ollama_base_url"] == "http://gpu:11435"
    history = ConfigurationChange.objects.all()
    assert sorted(change.operator for change in history) == ["olga"] * 3 + ["otto"] * 2
    assert sorted(step["field"] for change in history for step in change.changes) == [
        "mem0.embedder.config.ollama_base_url",
        "mem0.llm.config.max_tokens",
        "mem0.llm.config.ollama_base_url",
        "mem0.llm.config.temperature",
        "openmemory.custom_instructions",
    ]
