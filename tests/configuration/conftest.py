import pytest

from configuration.catalog import PROVIDERS


@pytest.fixture(autouse=True)
def no_environment(settings, monkeypatch):
    """Ignore model settings in the shell's environment."""
    defaults = {"provider": "local", "model": "", "base_url": ""}
    settings.MODEL_DEFAULTS = {"llm": defaults, "embedder": defaults}
    settings.OLLAMA_BASE_URL = ""
    settings.SECRET_KEY_FALLBACKS = []
    for provider in PROVIDERS.values():
        monkeypatch.delenv(provider.key_variable or "LLM_API_KEY", raising=False)
    monkeypatch.delenv("EMBEDDER_API_KEY", raising=False)
