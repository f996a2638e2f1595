"""Language models and embedding models, and their timeouts."""

from core import env

# The models unless an operator overrides them: see configuration/defaults.py. API keys are not read
# here. The configuration refers to LLM_API_KEY, EMBEDDER_API_KEY or a provider's own variable, such
# as OPENAI_API_KEY, or the file in OPENAI_API_KEY_FILE, which is read when it is needed.
MODEL_DEFAULTS = {
    "llm": {
        "provider": env.string("LLM_PROVIDER", "local"),
        "model": env.string("LLM_MODEL"),
        "base_url": env.string("LLM_BASE_URL"),
    },
    "embedder": {
        "provider": env.string("EMBEDDER_PROVIDER", "local"),
        "model": env.string("EMBEDDER_MODEL"),
        "base_url": env.string("EMBEDDER_BASE_URL"),
    },
}
OLLAMA_BASE_URL = env.string("OLLAMA_BASE_URL")

# Variables besides the providers' own that `env:NAME` may send to any base URL.
ENV_KEYS = env.strings("OPENMEMORY_ENV_KEYS", [])

# Seconds for a model to respond, including retries.
LLM_TIMEOUT = env.integer("OPENMEMORY_LLM_TIMEOUT", 60, minimum=1, maximum=3600)
EMBEDDER_TIMEOUT = env.integer("OPENMEMORY_EMBEDDER_TIMEOUT", 30, minimum=1, maximum=3600)

# Former values of SECRET_KEY, to decrypt providers' keys encrypted with them.
SECRET_KEY_FALLBACKS = env.secrets("OPENMEMORY_SECRET_KEY_FALLBACKS")
