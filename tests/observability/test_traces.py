import pytest

from configuration.fake import FakeServer
from configuration.models import Configuration
from configuration.providers import client
from core.observability import tracing
from jobs.models import Job
from jobs.runner import run_due
from tests.configuration.providers.forget import forget_servers

pytestmark = pytest.mark.slow

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PLACE = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.fixture
def fake(db, monkeypatch):
    monkeypatch.setattr(client, "BACKOFF", 0.0)
    forget_servers()
    with FakeServer() as server:
        overrides = {"provider": "vllm", "model": "fake", "openai_base_url": server.base_url}
        Configuration.objects.create(llm=overrides)
        yield server


def spans(collector):
    tracing.stop()  # which sends what is not sent yet
    return collector.spans


def test_a_request_its_job_and_the_call_of_the_model_are_one_trace(alice, fake, collector):
    alice.post("/memories", {"text": "I drink tea."}, traceparent=PLACE)
    run_due()

    found = spans(collector)
    request = found["POST api/v1/memories"]
    job = found["job infer"]
    call = found["call /chat/completions"]
    assert {request.trace_id.hex(), job.trace_id.hex(), call.trace_id.hex()} == {TRACE}
    assert request.parent_span_id.hex() == "00f067aa0ba902b7"
    assert job.parent_span_id == request.span_id
    assert call.parent_span_id == job.span_id


def test_the_stages_of_a_search_belong_to_its_request(alice, collector):
    alice.post("/memories/search", {"query": "What scares my pet?"})

    found = spans(collector)
    request = found["POST api/v1/memories/search"]
    for stage in ("question", "embedding", "candidates", "ranking", "reading"):
        assert found[f"search {stage}"].trace_id == request.trace_id
    assert found["embed"].parent_span_id == found["search embedding"].span_id


def test_traces_say_nothing_of_what_is_remembered(alice, fake, collector):
    alice.remember("Zanzibar is where I was born. [[fake:error]]", metadata={"zebra": "Zeppelin"})
    alice.get("/memories", {"search_query": "Zanzibar"})
    alice.post("/memories/search", {"query": "Zanzibar"})
    run_due()

    assert spans(collector)
    sent = b"".join(collector.bodies)
    assert b"Zan" not in sent
    assert b"Ze" not in sent
    assert alice.secret.encode() not in sent


def test_a_failed_call_is_an_error_by_its_class(alice, fake, collector):
    alice.remember("I drink tea. [[fake:key]]")
    run_due()

    call = spans(collector)["call /chat/completions"]
    assert call.status.message == "KeyRejected"
    assert not call.events


def test_without_an_endpoint_there_are_no_traces(alice, fake, settings):
    settings.TRACES_ENDPOINT = ""

    tracing.start()
    alice.remember("I drink tea.")

    assert Job.objects.get().trace == ""
