"""Request bodies, and the configuration without overrides."""

from __future__ import annotations

from typing import Any

from rest_framework.response import Response

from tests.cast import Member

DEFAULT_LLM: dict[str, Any] = {
    "provider": "local",
    "config": {
        "model": None,
        "temperature": 0.1,
        "max_tokens": 2000,
        "num_ctx": None,
        "think": None,
        "api_key": None,
        "ollama_base_url": None,
        "openai_base_url": None,
    },
}
DEFAULT_EMBEDDER: dict[str, Any] = {
    "provider": "local",
    "config": {
        "model": "bge-small-en-v1.5",
        "dimensions": 384,
        "batch_size": None,
        "api_key": None,
        "ollama_base_url": None,
        "openai_base_url": None,
    },
}
VECTOR_STORE = {"provider": "pgvector", "config": {}}
DEFAULT: dict[str, Any] = {
    "openmemory": {"custom_instructions": None},
    "mem0": {"llm": DEFAULT_LLM, "embedder": DEFAULT_EMBEDDER, "vector_store": VECTOR_STORE},
}

SECRET = "sk-proj-0123456789-abcdefghij"
MASK = "********ghij"


def section(provider: str, **config: Any) -> dict[str, Any]:
    return {"provider": provider, "config": config}


def openai(**config: Any) -> dict[str, Any]:
    return section("openai", **{"model": "gpt-4o", **config})


def patch(member: Member, body: Any) -> Response:
    return member._call("patch", "/config", body)


def patch_llm(member: Member, **config: Any) -> Response:
    return patch(member, {"mem0": {"llm": {"config": config}}})
