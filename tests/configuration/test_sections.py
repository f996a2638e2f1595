import pytest

from configuration.catalog import EMBEDDER_PROVIDERS, LLM_PROVIDERS
from tests.cast import errors_of
from tests.configuration.bodies import (
    DEFAULT,
    DEFAULT_EMBEDDER,
    DEFAULT_LLM,
    VECTOR_STORE,
    openai,
    section,
)

SECTIONS = {
    "/config/mem0/llm": DEFAULT_LLM,
    "/config/mem0/embedder": DEFAULT_EMBEDDER,
    "/config/mem0/vector_store": VECTOR_STORE,
    "/config/openmemory": DEFAULT["openmemory"],
}


@pytest.mark.parametrize("path", SECTIONS)
def test_a_section_is_shown_by_itself(alice, path, django_assert_max_num_queries):
    alice.get(path)

    with django_assert_max_num_queries(2):
        answer = alice.get(path)

    assert answer.status_code == 200
    assert answer.json() == SECTIONS[path]


@pytest.mark.parametrize("path", SECTIONS)
def test_what_is_shown_of_a_section_can_be_sent_back(olga, path):
    answer = olga.put(path, olga.get(path).json())

    assert answer.status_code == 200
    assert answer.json() == SECTIONS[path]


def test_the_language_model_is_replaced_by_itself(olga):
    answer = olga.put("/config/mem0/llm", openai(temperature=0, api_key="env:OPENAI_API_KEY"))

    assert answer.status_code == 200
    assert answer.json() == {
        "provider": "openai",
        "config": {
            **DEFAULT_LLM["config"],
            "model": "gpt-4o",
            "temperature": 0.0,
            "api_key": "env:OPENAI_API_KEY",
        },
    }
    whole = olga.get("/config").json()
    assert whole["mem0"]["llm"] == answer.json() == olga.get("/config/mem0/llm").json()
    assert whole["mem0"]["embedder"] == DEFAULT_EMBEDDER


def test_the_embedder_is_replaced_by_itself(olga):
    answer = olga.put(
        "/config/mem0/embedder",
        section("vllm", model="bge-m3", dimensions=1024, openai_base_url="http://gpu:8001/v1/"),
    )

    assert answer.status_code == 200
    assert answer.json() == {
        "provider": "vllm",
        "config": {
            "model": "bge-m3",
            "dimensions": 1024,
            "batch_size": None,
            "api_key": None,
            "ollama_base_url": None,
            "openai_base_url": "http://gpu:8001/v1/",
        },
    }


def test_the_instructions_are_replaced_by_themselves(olga):
    instructions = "  Ünïcode, kept\nas it was sent. \U0001f9e0 "

    answer = olga.put("/config/openmemory", {"custom_instructions": instructions})

    assert answer.json() == {"custom_instructions": instructions}
    for nothing in [None, "", "  "]:
        olga.put("/config/openmemory", {"custom_instructions": instructions})
        answer = olga.put("/config/openmemory", {"custom_instructions": nothing})
        assert answer.json() == {"custom_instructions": None}


def test_the_vector_store_takes_what_old_clients_send(olga):
    for body in [
        {"provider": "pgvector"},
        {"provider": "pgvector", "config": None},
        {"provider": "pgvector", "config": {"dbname": "x", "port": 5432}},
    ]:
        assert olga.put("/config/mem0/vector_store", body).json() == VECTOR_STORE


@pytest.mark.parametrize("body", [{}, {"provider": "qdrant"}, {"provider": None}])
def test_another_vector_store_is_refused(olga, body):
    answer = olga.put("/config/mem0/vector_store", body)

    assert answer.status_code == 400
    assert errors_of(answer) == {("body", "provider")}


@pytest.mark.parametrize("provider", LLM_PROVIDERS)
def test_every_known_provider_can_run_the_language_model(olga, provider):
    answer = olga.put("/config/mem0/llm", section(provider, model="m"))

    assert answer.status_code == 200


@pytest.mark.parametrize("provider", EMBEDDER_PROVIDERS[1:])
def test_every_provider_of_embeddings_can_run_the_embedder(olga, provider):
    answer = olga.put("/config/mem0/embedder", section(provider, model="m"))

    assert answer.status_code == 200


@pytest.mark.parametrize("provider", ["", "OpenAI", "azure", 5, True, [], {}])
def test_an_unknown_provider_is_refused(olga, provider):
    for path in ["/config/mem0/llm", "/config/mem0/embedder"]:
        answer = olga.put(path, {"provider": provider, "config": {"model": "m"}})

        assert answer.status_code == 400
        assert errors_of(answer) == {("body", "provider")}


def test_a_provider_without_embeddings_embeds_nothing(olga):
    answer = olga.put("/config/mem0/embedder", section("anthropic", model="m"))

    assert answer.status_code == 400
    assert errors_of(answer) == {("body", "provider")}


def test_a_section_without_a_provider_is_refused(olga):
    for path in ["/config/mem0/llm", "/config/mem0/embedder"]:
        assert errors_of(olga.put(path, {"config": {}})) == {("body", "provider")}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("model", value) for value in (5, True, [], {}, "x" * 256)],
        *[("temperature", value) for value in ("0.5", True, -0.01, 2.01, [], 10**300)],
        *[("max_tokens", value) for value in (0, 1_000_001, 1.5, "5", False, -1, 10**300)],
        *[("api_key", value) for value in (5, [], "two words", "line\n", "schlüssel")],
        ("api_key", "k" * 4097),
        *[("api_key", f"env:{name}") for name in ("", "1A", "A-B", "A B", "É", "N" * 129)],
        *[("ollama_base_url", value) for value in (5, "localhost:11434", "ftp://host", "http://")],
        *[("openai_base_url", value) for value in ("file:///etc", "http://a b", "https://h:x")],
        ("openai_base_url", "https://me:secret@host/v1"),
        ("openai_base_url", "https://host/v1?key=x"),
        ("openai_base_url", "https://host/v1#x"),
        ("openai_base_url", "http://[::1"),
        ("openai_base_url", "http://host:0/"),
        ("openai_base_url", "https://" + "h" * 500),
    ],
)
def test_a_wrong_value_is_refused_at_its_place(olga, field, value):
    answer = olga.put("/config/mem0/llm", openai(**{field: value}))

    assert answer.status_code == 400
    assert errors_of(answer) == {("body", "config", field)}
    assert "secret" not in answer.content.decode()
    assert olga.get("/config").json() == DEFAULT


@pytest.mark.parametrize("dimensions", [0, 4001, 1.5, "384", True])
def test_wrong_dimensions_are_refused(olga, dimensions):
    answer = olga.put("/config/mem0/embedder", openai(dimensions=dimensions))

    assert answer.status_code == 400
    assert errors_of(answer) == {("body", "config", "dimensions")}


def test_the_bounds_themselves_are_taken(olga):
    for path, config in [
        ("/config/mem0/llm", {"temperature": 0, "max_tokens": 1}),
        ("/config/mem0/llm", {"temperature": 2, "max_tokens": 1_000_000}),
        ("/config/mem0/embedder", {"dimensions": 1}),
        ("/config/mem0/embedder", {"dimensions": 4000}),
    ]:
        answer = olga.put(path, openai(**config))

        assert answer.status_code == 200
        assert answer.json()["config"].items() >= config.items()


def test_instructions_have_a_bound(olga):
    answer = olga.put("/config/openmemory", {"custom_instructions": "x" * (32 * 1024 + 1)})

    assert answer.status_code == 400
    assert errors_of(answer) == {("body", "custom_instructions")}
