"""Which models are used, and for how long they are waited for."""

from core import env

# Which models are used as long as no operator chooses others: see configuration/defaults.py.
# A key is not read here: it is a reference to LLM_API_KEY, EMBEDDER_API_KEY or to the provider's
# own variable, such as OPENAI_API_KEY, or to the file that OPENAI_API_KEY_FILE names, and is
# resolved when it is used.
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

# Seconds for a model to answer, with what it is asked again included.
LLM_TIMEOUT = env.integer("OPENMEMORY_LLM_TIMEOUT", 60, minimum=1, maximum=3600)
EMBEDDER_TIMEOUT = env.integer("OPENMEMORY_EMBEDDER_TIMEOUT", 30, minimum=1, maximum=3600)

# What SECRET_KEY was before: providers' keys that were encrypted with it can still be read.
SECRET_KEY_FALLBACKS = env.secrets("OPENMEMORY_SECRET_KEY_FALLBACKS")
