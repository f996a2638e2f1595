"""The fields of a model that only some servers have: set, shown, refused."""

import pytest

from configuration.base_urls import check_base_url, model_url
from configuration.connection import dump_connection, load_settings
from configuration.effective import current_settings, embedder_settings

from .bodies import patch_llm, section


@pytest.mark.parametrize(
    ("think", "stored"),
    [(True, True), (False, False), ("low", "low"), ("TRUE", True), ("", None), (None, None)],
)
def test_what_ollama_takes_is_set(olga, think, stored):
    body = section("ollama", num_ctx=8192, think=think)

    answer = olga.put("/config/mem0/llm", body)

    assert answer.status_code == 200, answer.content
    config = answer.json()["config"]
    assert (config["num_ctx"], config["think"]) == (8192, stored)
    assert current_settings().llm.think == stored
    assert olga.put("/config/mem0/llm", answer.json()).json() == answer.json()


@pytest.mark.parametrize(
    ("field", "value"),
    [("num_ctx", 0), ("num_ctx", "8192"), ("num_ctx", 511), ("think", "a lot"), ("think", 1)],
)
def test_a_wrong_value_is_refused(olga, field, value):
    answer = olga.put("/config/mem0/llm", section("ollama", **{field: value}))

    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert error["loc"] == ["body", "config", field]


@pytest.mark.parametrize(("field", "value"), [("num_ctx", 8192), ("think", False)])
def test_what_only_ollama_takes_is_refused_for_others(olga, field, value):
    answer = olga.put("/config/mem0/llm", section("vllm", model="m", **{field: value}))

    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert (error["loc"], error["code"]) == (["body", "config", field], "not_supported")
    assert current_settings().llm.provider == "local"


def test_a_batch_size_is_set_and_stays_with_the_space(olga):
    answer = olga.put("/config/mem0/embedder", section("vllm", model="m", batch_size=10))

    assert answer.json()["config"]["batch_size"] == 10
    settings = embedder_settings({"provider": "vllm", "model": "m", "batch_size": 10})
    assert load_settings("vllm", "m", dump_connection(settings)).batch_size == 10
    for wrong in (0, 65, "10"):
        body = section("vllm", model="m", batch_size=wrong)
        assert olga.put("/config/mem0/embedder", body).status_code == 400


def test_azures_version_is_the_only_query_of_a_base_url(olga):
    url = "https://me.openai.azure.com/openai/deployments/gpt?api-version=2024-10-21"
    patch_llm(olga, openai_base_url=url)

    assert olga.get("/config").json()["mem0"]["llm"]["config"]["openai_base_url"] == url
    for wrong in ("?api-version=", "?api-version=1&key=x", "?key=x", "?api-version=1#x"):
        assert "query" in check_base_url("https://me.openai.azure.com" + wrong)


@pytest.mark.parametrize(
    ("provider", "url", "base"),
    [
        ("ollama", "http://h:11434", "http://h:11434"),
        ("ollama", "http://h:11434/api", "http://h:11434"),
        ("ollama", "http://h/ollama/v1/", "http://h/ollama"),
        ("ollama", "http://h/api/chat", "http://h"),
        ("vllm", "http://h/v1/", "http://h/v1"),
        ("vllm", "http://h/v1/chat/completions", "http://h/v1"),
        ("vllm", "http://h/v1/embeddings", "http://h/v1"),
        ("openai", "https://me.openai.azure.com/", "https://me.openai.azure.com/openai/v1"),
        (
            "openai",
            "https://me.openai.azure.com/openai/v1",
            "https://me.openai.azure.com/openai/v1",
        ),
        (
            "openai",
            "https://me.openai.azure.com?api-version=2",
            "https://me.openai.azure.com/openai/deployments/gpt?api-version=2",
        ),
        (
            "openai",
            "https://me.openai.azure.com/openai/deployments/x/chat/completions?api-version=2",
            "https://me.openai.azure.com/openai/deployments/x?api-version=2",
        ),
    ],
)
def test_the_address_of_an_api_is_found_in_what_was_entered(provider, url, base):
    assert model_url(url, provider, "gpt") == base
