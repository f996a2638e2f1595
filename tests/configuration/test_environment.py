"""The environment sets the defaults, and is validated when the server starts."""

import os
import subprocess
import sys

import pytest
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured

from configuration import effective, environment
from tests.configuration.bodies import DEFAULT, openai, section


@pytest.fixture
def set_defaults(settings):
    def set_defaults(section_name, provider, model="", base_url=""):
        defaults = {"provider": provider, "model": model, "base_url": base_url}
        settings.MODEL_DEFAULTS = {**settings.MODEL_DEFAULTS, section_name: defaults}

    return set_defaults


def test_the_environment_sets_the_defaults(olga, set_defaults, settings, monkeypatch):
    set_defaults("llm", "groq", "llama-3.3-70b-versatile")
    set_defaults("embedder", "openai", "bge-m3", "http://gpu:8001/v1")
    settings.OLLAMA_BASE_URL = "http://gpu:11434"
    monkeypatch.setenv("LLM_API_KEY", "gsk-secret")

    mem0 = olga.get("/config").json()["mem0"]

    assert mem0["llm"] == {
        "provider": "groq",
        "config": {
            "model": "llama-3.3-70b-versatile",
            "temperature": 0.1,
            "max_tokens": 2000,
            "num_ctx": None,
            "think": None,
            "api_key": "env:LLM_API_KEY",
            "ollama_base_url": "http://gpu:11434",
            "openai_base_url": None,
        },
    }
    assert mem0["embedder"] == {
        "provider": "openai",
        "config": {
            "model": "bge-m3",
            "dimensions": None,
            "batch_size": None,
            "api_key": "env:OPENAI_API_KEY",
            "ollama_base_url": "http://gpu:11434",
            "openai_base_url": "http://gpu:8001/v1",
        },
    }
    assert effective.current_settings().llm.resolve_key() == "gsk-secret"


def test_a_reset_goes_back_to_what_the_environment_says(olga, set_defaults):
    set_defaults("llm", "openai", "gpt-4.1")
    before = olga.get("/config").json()
    olga.put("/config", {**DEFAULT, "openmemory": {"custom_instructions": "x"}})

    answer = olga.post("/config/reset")

    assert answer.status_code == 200
    assert answer.json() == before
    assert olga.get("/config").json() == before


def test_ollama_is_found_where_the_environment_says(set_defaults, settings, db):
    set_defaults("llm", "ollama")
    assert effective.current_settings().llm.base_url == "http://localhost:11434"
    settings.OLLAMA_BASE_URL = "http://gpu:11434"
    assert effective.current_settings().llm.base_url == "http://gpu:11434"
    set_defaults("llm", "ollama", base_url="http://other:11434/")
    assert effective.current_settings().llm.base_url == "http://other:11434"


def test_what_is_said_of_one_provider_is_not_used_for_another(olga, set_defaults, monkeypatch):
    set_defaults("llm", "openai", "gpt-4.1", "http://proxy:4000/v1")
    monkeypatch.setenv("LLM_API_KEY", "sk-1")

    config = olga.put("/config/mem0/llm", section("groq", model="m")).json()["config"]

    assert (config["api_key"], config["openai_base_url"]) == ("env:GROQ_API_KEY", None)


def test_no_default_key_goes_to_an_address_that_an_operator_chose(olga, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")

    there = openai(openai_base_url="http://localhost:1234/v1")
    config = olga.put("/config/mem0/llm", there).json()["config"]

    assert config["api_key"] is None
    assert effective.current_settings().llm.resolve_key() is None
    there["config"]["api_key"] = "env:OPENAI_API_KEY"
    assert olga.put("/config/mem0/llm", there).status_code == 400
    assert effective.current_settings().llm.resolve_key() is None


def test_a_key_in_the_environment_alone_sends_nothing_anywhere(alice, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    monkeypatch.setenv("LLM_API_KEY", "sk-1")

    assert alice.get("/config").json() == DEFAULT


@pytest.mark.parametrize(
    ("section_name", "defaults", "sentence"),
    [
        ("llm", ("openai", "", "http://0xa9fea9fe/v1"), "LLM_BASE_URL: Link-local addresses"),
        ("llm", ("skynet",), "LLM_PROVIDER='skynet' is not one of local, openai"),
        ("embedder", ("groq", "m"), "EMBEDDER_PROVIDER='groq' is not one of local, openai"),
        ("llm", ("groq",), "LLM_MODEL: Enter the name of a model of `groq`."),
        ("embedder", ("local", "other"), "EMBEDDER_MODEL: The built-in embedding models are"),
        ("llm", ("openai", "", "ftp://host"), "LLM_BASE_URL: Enter the URL of a server"),
        ("embedder", ("openai", "", "http://a:pw@host"), "EMBEDDER_BASE_URL: Send the key as"),
    ],
)
def test_what_is_wrong_in_the_environment_is_named(set_defaults, section_name, defaults, sentence):
    set_defaults(section_name, *defaults)

    with pytest.raises(ImproperlyConfigured) as wrong:
        environment.validate_environment()

    assert sentence in str(wrong.value)
    assert "pw" not in str(wrong.value)


def test_a_wrong_address_of_ollama_is_named(settings):
    settings.OLLAMA_BASE_URL = "localhost:11434"

    with pytest.raises(ImproperlyConfigured, match="OLLAMA_BASE_URL: Enter the URL"):
        environment.validate_environment()


@pytest.mark.parametrize(
    ("variable", "sentence"),
    [
        ("GROQ_API_KEY", "GROQ_API_KEY is only sent to https://api.groq.com:443."),
        ("MY_PASSWORD", "MY_PASSWORD cannot be used for a provider's key."),
        ("MY-KEY", "Enter the name of an environment variable"),
    ],
)
def test_a_variable_that_must_not_be_listed_is_named(settings, variable, sentence):
    settings.ENV_KEYS = ["FINE_KEY", variable]

    with pytest.raises(ImproperlyConfigured, match=f"OPENMEMORY_ENV_KEYS: {sentence}"):
        environment.validate_environment()


@pytest.mark.slow
def test_a_server_with_a_wrong_environment_does_not_start():
    result = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=django_settings.BASE_DIR,
        env={
            **os.environ,
            "LLM_PROVIDER": "skynet",
            "DJANGO_SETTINGS_MODULE": "openmemory.settings",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode != 0
    assert result.stderr.startswith("Invalid settings: LLM_PROVIDER='skynet' is not one of")
