import pytest

from configuration.catalog import PROVIDERS


@pytest.fixture(autouse=True)
def silent_environment(settings, monkeypatch):
    """Whatever the shell says, the environment says nothing about models."""
    silent = {"provider": "local", "model": "", "base_url": ""}
    settings.MODEL_DEFAULTS = {"llm": silent, "embedder": silent}
    settings.OLLAMA_BASE_URL = ""
    settings.SECRET_KEY_FALLBACKS = []
    for provider in PROVIDERS.values():
        monkeypatch.delenv(provider.key_variable or "LLM_API_KEY", raising=False)
    monkeypatch.delenv("EMBEDDER_API_KEY", raising=False)
