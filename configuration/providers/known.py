"""The providers that can be configured, and what is known of each before it is asked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

LOCAL = "local"
OLLAMA = "ollama"

LOCAL_EMBEDDING_MODEL = "bge-small-en-v1.5"
LOCAL_DIMENSIONS = 384


class Form(IntEnum):
    """How an answer is asked for, from the surest to what every model can do."""

    SCHEMA = 0  # the server lets the model say nothing but what fits the schema
    OBJECT = 1  # the server lets the model say nothing but JSON
    TEXT = 2  # the model is asked for JSON, and the answer is searched for it


@dataclass(frozen=True)
class Provider:
    """Who runs a model, and where.

    `key_variable` is where its own documentation has the key kept; without one it needs no key.
    The models are what is meant when none is named. All but `local` speak OpenAI's API, Ollama
    beside one of its own. A server that turns out not to know the `form` is asked in the next one.
    """

    name: str
    base_url: str | None = None
    key_variable: str | None = None
    llm_model: str | None = None
    embedding_model: str | None = None
    embeds: bool = True
    form: Form = Form.SCHEMA


_OPENAI = Provider(
    "openai",
    "https://api.openai.com/v1",
    "OPENAI_API_KEY",
    llm_model="gpt-4o-mini",
    embedding_model="text-embedding-3-small",
)

KNOWN = {
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
        # Its endpoint for clients of OpenAI's API reads over the wish for a form.
        Provider(
            "anthropic",
            "https://api.anthropic.com/v1",
            "ANTHROPIC_API_KEY",
            embeds=False,
            form=Form.TEXT,
        ),
        Provider(
            "deepseek",
            "https://api.deepseek.com/v1",
            "DEEPSEEK_API_KEY",
            embeds=False,
            form=Form.OBJECT,
        ),
        Provider(
            "gemini",
            "https://generativelanguage.googleapis.com/v1beta/openai",
            "GEMINI_API_KEY",
        ),
        Provider("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY", embeds=False),
        Provider("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
        Provider("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
        Provider("together", "https://api.together.xyz/v1", "TOGETHER_API_KEY"),
        Provider("xai", "https://api.x.ai/v1", "XAI_API_KEY"),
        Provider("lmstudio", "http://localhost:1234/v1"),
        # Its own default port, which is ours too: where both run, one of them has to move.
        Provider("vllm", "http://localhost:8000/v1"),
    ]
}

LLM_PROVIDERS = list(KNOWN)
EMBEDDER_PROVIDERS = [name for name, provider in KNOWN.items() if provider.embeds]
