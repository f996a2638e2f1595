import pytest
from prometheus_client.parser import text_string_to_metric_families
from rest_framework.test import APIClient

from configuration.fake import FakeServer
from configuration.models import Configuration
from configuration.providers import client
from jobs.registry import get_job_type
from jobs.runner import run_due
from tests.configuration.providers.forget import forget_servers


def read(member, **headers):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {member.secret}")
    return client.get("/metrics", headers=headers)


def metrics(member):
    answer = read(member)
    assert answer.status_code == 200
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


def test_an_operator_reads_the_metrics(olga):
    answer = read(olga)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert b"# TYPE openmemory_requests_total counter" in answer.content


def test_prometheus_is_given_what_it_asks_for(olga):
    accepted = (
        "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
    )

    answer = read(olga, accept=accepted)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")


def test_nobody_else_reads_them(alice, anonymous):
    assert read(alice).status_code == 403
    refused = anonymous.get("/metrics")
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == "Bearer"


def test_a_key_that_is_bound_to_an_app_does_not_read_them(olga):
    assert read(olga.with_key(app_name="notes")).status_code == 403


def test_requests_are_counted_by_the_pattern_of_their_address(alice, growth):
    memory = alice.remember("I like tea")

    alice.get(f"/memories/{memory['id']}")

    of = {"method": "GET", "operation": "api/v1/memories/<id:memory_id>"}
    assert growth("openmemory_requests_total", status="200", **of) == 1
    assert growth("openmemory_request_duration_seconds_count", **of) == 1


def test_addresses_that_are_not_ours_are_one_operation(anonymous, growth):
    for path in ("/a", "/b/c", "/api/v1/nothing"):
        anonymous.get(path)

    assert growth("openmemory_requests_total", method="GET", operation="none", status="404") == 3


def test_methods_that_nobody_knows_are_one_method(anonymous, growth):
    anonymous.generic("BREW", "/health/live")

    of = {"method": "other", "operation": "health/live"}
    assert growth("openmemory_requests_total", status="405", **of) == 1


def test_each_stage_of_a_search_is_measured(alice, growth):
    alice.remember("Our dog Rex is afraid of thunder")

    alice.post("/memories/search", {"query": "What scares my pet?"})

    for stage in ("question", "embedding", "candidates", "ranking", "reading"):
        assert growth("openmemory_search_stage_duration_seconds_count", stage=stage) == 1


def test_texts_that_are_embedded_here_are_counted(alice, growth):
    alice.remember("Our dog Rex is afraid of thunder", infer=False)

    assert growth("openmemory_embedded_texts_total", model="bge-small-en-v1.5") == 1


@pytest.fixture
def fake(db, monkeypatch):
    monkeypatch.setattr(client, "BACKOFF", 0.0)
    forget_servers()
    with FakeServer() as server:
        overrides = {"provider": "vllm", "model": "fake", "openai_base_url": server.base_url}
        Configuration.objects.create(llm=overrides)
        yield server


def test_calls_of_a_model_and_their_tokens_are_counted(alice, fake, growth):
    alice.remember("I drink tea. My dog is old.")
    run_due()

    of = {"provider": "vllm", "model": "fake"}
    assert growth("openmemory_provider_calls_total", outcome="ok", **of) == 1
    assert growth("openmemory_provider_call_duration_seconds_count", **of) == 1
    assert growth("openmemory_provider_tokens_total", direction="input", **of) > 0
    assert growth("openmemory_provider_tokens_total", direction="output", **of) > 0
    assert growth("openmemory_job_runs_total", kind="infer", outcome="succeeded") == 1
    assert growth("openmemory_job_run_duration_seconds_count", kind="infer") == 1


def test_calls_that_fail_are_counted_by_what_was_wrong(alice, fake, growth):
    alice.remember("I drink tea. [[fake:key]]")
    run_due()

    of = {"provider": "vllm", "model": "fake"}
    assert growth("openmemory_provider_calls_total", outcome="provider_key_refused", **of) == 1
    assert growth("openmemory_job_runs_total", kind="infer", outcome="failed") == 1


def test_jobs_that_wait_are_told_by_kind(olga):
    get_job_type("embed").enqueue(owner=olga.user, parameters={})

    told = metrics(olga)

    assert told["openmemory_jobs", "embed", "queued"] == 1
    assert told["openmemory_jobs_due_seconds", "quick"] >= 0


def test_a_model_that_is_left_alone_is_told(olga, fake):
    endpoint = client.Endpoint("vllm", "fake", fake.base_url, None)
    told = metrics(olga)
    assert told["openmemory_provider_left_alone", "fake", "vllm"] == 0

    for _ in range(5):
        endpoint._circuit_breaker.record_failure()

    assert metrics(olga)["openmemory_provider_left_alone", "fake", "vllm"] == 1
    endpoint._circuit_breaker.record_success()


def test_the_size_of_tables_is_told_without_counting_rows(olga, django_assert_max_num_queries):
    with django_assert_max_num_queries(9):
        told = metrics(olga)

    assert told["openmemory_database_bytes",] > 0
    assert told["openmemory_table_bytes", "memories_memory"] > 0
    assert ("openmemory_table_rows", "memories_memory") in told
