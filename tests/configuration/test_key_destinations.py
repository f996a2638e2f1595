"""A key from the environment is sent to the server that it is for, and to no other."""

import pytest

from configuration import effective
from configuration.errors import ProviderError
from configuration.fake import FakeServer
from configuration.key_destinations import KeyWithheld
from configuration.models import Configuration
from configuration.providers import get_embedder, get_language_model
from tests.cast import errors_of
from tests.configuration.bodies import openai, patch_llm, section

SECRET = "ghp-a-secret-of-something-else"
LLM = "/config/mem0/llm"
SECTIONS = {"llm": LLM, "embedder": "/config/mem0/embedder"}


@pytest.fixture
def fake():
    with FakeServer() as server:
        yield server


def assert_rejected(answer, *path):
    assert answer.status_code == 400
    assert [error["code"] for error in answer.json()["errors"]] == ["key_is_for_another_server"]
    assert errors_of(answer) == {("body", *path, "config", "api_key")}


@pytest.mark.parametrize("section_name", SECTIONS)
@pytest.mark.parametrize("provider", ["openai", "vllm", "ollama", "openrouter"])
@pytest.mark.parametrize(
    "variable",
    ["OPENAI_API_KEY", "GITHUB_TOKEN", "PATH", "HOME", "GROQ_API_KEY", "openai_api_key",
     "LLM_API_KEY", "EMBEDDER_API_KEY"],
)  # fmt: skip
def test_no_variable_goes_to_a_server_of_an_operators_choice(
    olga, fake, monkeypatch, section_name, provider, variable
):
    monkeypatch.setenv(variable, SECRET)
    field = "ollama_base_url" if provider == "ollama" else "openai_base_url"
    config = {"model": "m", "api_key": f"env:{variable}", field: fake.base_url}

    answer = olga.put(SECTIONS[section_name], section(provider, **config))

    assert_rejected(answer)
    assert variable in answer.json()["errors"][0]["detail"]
    assert SECRET not in answer.content.decode()


@pytest.mark.parametrize("section_name", SECTIONS)
def test_a_configuration_from_before_is_checked_at_each_use(fake, monkeypatch, db, section_name):
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    overrides = {
        "provider": "openai", "model": "m", "openai_base_url": fake.base_url,
        "api_key": "env:OPENAI_API_KEY",
    }  # fmt: skip
    Configuration.objects.update_or_create(defaults={section_name: overrides})

    settings = effective.current_settings()
    use = {
        "llm": lambda: get_language_model(settings.llm),
        "embedder": lambda: get_embedder(settings.embedder).embed_query("tea", timeout=5),
    }[section_name]
    with pytest.raises(KeyWithheld, match=r"only sent to https://api\.openai\.com:443") as withheld:
        use()

    assert SECRET not in withheld.value.detail
    assert "Send the key itself" in withheld.value.detail
    assert not fake.headers


def test_a_providers_variable_goes_to_that_provider(olga, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    monkeypatch.setenv("GROQ_API_KEY", "gsk-1")

    seed = olga.put(LLM, openai(api_key="env:OPENAI_API_KEY"))
    assert seed.json()["config"]["api_key"] == "env:OPENAI_API_KEY"
    assert effective.current_settings().llm.resolve_key() == "sk-1"

    url = "https://api.groq.com:443/openai/v2"
    olga.put(LLM, section("vllm", model="m", openai_base_url=url, api_key="env:GROQ_API_KEY"))
    assert effective.current_settings().llm.resolve_key() == "gsk-1"


@pytest.mark.parametrize(
    "base_url",
    [
        "http://api.openai.com/v1", "https://api.openai.com:8443/v1", "https://api.openai.com.",
        "https://api.openai.com.evil.example/v1", "https://evil.example/api.openai.com",
        "https://xapi.openai.com",
    ],
)  # fmt: skip
def test_only_the_origin_itself_is_the_providers(olga, base_url):
    body = openai(api_key="env:OPENAI_API_KEY", openai_base_url=base_url)

    assert_rejected(olga.put(LLM, body))


def test_a_later_change_of_the_base_url_takes_no_key_with_it(olga, fake):
    olga.put(LLM, openai(api_key="env:OPENAI_API_KEY", openai_base_url="https://api.openai.com/v2"))

    assert_rejected(patch_llm(olga, openai_base_url=fake.base_url), "mem0", "llm")
    off = olga.put(LLM, section("local", api_key="env:OPENAI_API_KEY"))
    assert off.status_code == 200
    assert_rejected(
        olga.put(LLM, openai(api_key="env:OPENAI_API_KEY", openai_base_url=fake.base_url))
    )


def test_a_listed_variable_goes_where_an_operator_says(olga, fake, monkeypatch, settings):
    settings.ENV_KEYS = ["MY_LLM_KEY"]
    monkeypatch.setenv("MY_LLM_KEY", "my-key")

    answer = olga.put(LLM, openai(api_key="env:MY_LLM_KEY", openai_base_url=fake.base_url))

    assert answer.status_code == 200
    assert effective.current_settings().llm.resolve_key() == "my-key"


@pytest.mark.parametrize("variable", ["LLM_API_KEY", "OPENAI_API_KEY"])
def test_what_the_environment_says_itself_belongs_together(
    olga, fake, monkeypatch, settings, variable
):
    environment = {"provider": "openai", "model": "m", "base_url": fake.base_url}
    settings.MODEL_DEFAULTS = {**settings.MODEL_DEFAULTS, "llm": environment}
    monkeypatch.setenv(variable, "sk-of-a-proxy")

    assert effective.current_settings().llm.resolve_key() == "sk-of-a-proxy"

    assert_rejected(
        olga.put(LLM, openai(api_key=f"env:{variable}", openai_base_url="http://evil.example"))
    )


def test_headers_of_the_environment_are_for_openai_alone(olga, fake, monkeypatch, db):
    headers = f"Authorization: Bearer {SECRET}\nX-Portkey: {SECRET}"
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", headers)
    for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY", "OPENAI_WEBHOOK_SECRET"):
        monkeypatch.setenv(name, SECRET)
    olga.put(LLM, openai(openai_base_url=fake.base_url))

    with pytest.raises(ProviderError):
        get_language_model(effective.current_settings().llm).complete(
            "", [{"role": "user", "content": "[[fake:quota]]"}], schema={}, name="x", timeout=5
        )

    assert fake.headers
    assert SECRET not in str(fake.headers)
