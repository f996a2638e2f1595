import pytest

from configuration import effective
from configuration.catalog import LOCAL_DIMENSIONS, LOCAL_EMBEDDING_MODEL, PROVIDERS
from configuration.model_settings import EmbedderSettings, LlmSettings, Settings
from configuration.models import Configuration
from configuration.providers.local import LocalEmbedder
from tests.configuration.bodies import SECRET, openai


def test_what_is_in_force_is_read_with_one_statement(db, django_assert_num_queries):
    with django_assert_num_queries(1):
        current = effective.current_settings()

    shared = {"provider": "local", "api_key": None}
    nowhere = {"ollama_base_url": None, "openai_base_url": None}
    assert current == Settings(
        llm=LlmSettings(
            **shared,
            **nowhere,
            model=None,
            temperature=0.1,
            max_tokens=2000,
            num_ctx=None,
            think=None,
        ),
        embedder=EmbedderSettings(
            **shared, **nowhere, model="bge-small-en-v1.5", dimensions=384, batch_size=None
        ),
        custom_instructions=None,
    )
    assert current.llm.is_local
    assert current.llm.base_url is None
    assert current.llm.resolve_key() is None


def test_what_operators_chose_is_read(olga):
    olga.put(
        "/config",
        {
            "mem0": {"llm": openai(api_key=SECRET, temperature=1)},
            "openmemory": {"custom_instructions": "Keep what they eat."},
        },
    )

    current = effective.current_settings()

    assert (current.llm.provider, current.llm.model) == ("openai", "gpt-4o")
    assert (current.llm.temperature, current.llm.max_tokens) == (1.0, 2000)
    assert current.llm.base_url == "https://api.openai.com/v1"
    assert current.llm.resolve_key() == SECRET
    assert current.custom_instructions == "Keep what they eat."
    assert SECRET not in repr(current)


def test_a_local_model_is_sent_no_key(olga):
    olga.put("/config/mem0/llm", {"provider": "local", "config": {"api_key": SECRET}})

    assert effective.current_settings().llm.resolve_key() is None


def test_the_table_knows_the_built_in_embedder():
    assert LocalEmbedder.model == LOCAL_EMBEDDING_MODEL
    assert LocalEmbedder.dimensions == LOCAL_DIMENSIONS


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda provider: provider.name)
def test_every_provider_has_an_address_and_those_elsewhere_a_key(provider):
    away = provider.base_url is not None and provider.base_url.startswith("https://")
    assert (provider.key_variable is not None) == away
    assert (provider.base_url is None) == (provider.name == "local")


def test_the_database_keeps_one_configuration(db):
    from django.db import IntegrityError

    Configuration.objects.create()
    with pytest.raises(IntegrityError, match="one_configuration"):
        Configuration.objects.create(pk=2)
