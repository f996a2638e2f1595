"""The products that `peers.py` compares, and what each is sent."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from live_server import CHECKOUT
from peer_servers import Caller, OnPostgres, Peer, Request, Variables

DIMENSIONS = 384


class OpenMemory(Peer):
    """This server, with the embedder and the model that all have."""

    name = "here"
    note = "with a remote embedder a store is answered at once, and a job embeds it"
    health = "/health/ready"

    def command(self) -> list[str]:
        return [sys.executable, str(CHECKOUT / "manage.py"), "run"]

    def settings(self) -> Variables:
        variables = {
            "OPENMEMORY_STATE_DIR": str(self.folder / "state"),
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "USER": "benchmark",
            "OPENMEMORY_LOG_LEVEL": "ERROR",
            "OPENMEMORY_RATE_READS": "off",
            "OPENMEMORY_RATE_WRITES": "off",
        }
        return variables | self.embedder()

    def embedder(self) -> Variables:
        return {
            "EMBEDDER_PROVIDER": "vllm",
            "EMBEDDER_MODEL": "fake",
            "EMBEDDER_BASE_URL": self.model,
        }

    def start(self) -> None:
        super().start()
        key = (self.folder / "state" / "api_key").read_text().strip()
        self.headers["Authorization"] = f"Bearer {key}"
        model = {"provider": "vllm", "config": {"model": "fake", "openai_base_url": self.model}}
        Caller(self).call(Request("PUT", "/api/v1/config/mem0/llm", model))

    def request(self, work: str, text: str, pk: str) -> Request:
        memories = "/api/v1/memories"
        return {
            "search": Request("POST", f"{memories}/search", {"query": text}),
            "store": Request("POST", memories, {"text": text, "infer": False}),
            "list of 50": Request("GET", f"{memories}?page_size=50"),
            "get": Request("GET", f"{memories}/{pk}"),
            "update": Request("PUT", f"{memories}/{pk}", {"memory_content": text}),
            "facts": Request("POST", memories, {"text": text}, {"Prefer": "wait=60"}),
        }[work]

    def load(self, texts: Sequence[str]) -> Request:
        memories = [{"text": text, "infer": False} for text in texts]
        return Request("POST", "/api/v1/memories/bulk", {"memories": memories})

    def ids(self, page: Any) -> list[str]:
        return [item["id"] for item in page["items"]]


class BuiltIn(OpenMemory):
    """This server as it is by default: its own embedder runs in its processes."""

    name = "here (built-in embedder)"
    note = "a real model embeds in its own processes"

    def embedder(self) -> Variables:
        return {}


class Mem0(OnPostgres):
    """Mem0's library behind a small server, with pgvector on this project's PostgreSQL."""

    name = "Mem0"
    requirements = (
        "mem0ai==2.2.1",
        "fastapi==0.165.0",
        "uvicorn==0.54.0",
        "psycopg[binary,pool]==3.3.9",
        "pgvector==0.5.1",
    )
    note = "behind a small server without keys; without spaCy and its model it links no entities"

    def command(self) -> list[str]:
        program = str(Path(__file__).parent / "peer_mem0.py")
        arguments = [str(self.port), self.model, self.database_url, str(self.folder)]
        return [str(self.python), program, *arguments]

    def settings(self) -> Variables:
        return {"MEM0_TELEMETRY": "false", "MEM0_DIR": str(self.folder)}

    def request(self, work: str, text: str, pk: str) -> Request:
        return {
            "search": Request("POST", "/search", {"query": text}),
            "store": Request("POST", "/memories", {"text": text, "infer": False}),
            "list of 50": Request("GET", "/memories?limit=50"),
            "get": Request("GET", f"/memories/{pk}"),
            "update": Request("PUT", f"/memories/{pk}", {"text": text}),
            "facts": Request("POST", "/memories", {"text": text, "infer": True}),
        }[work]

    def load(self, texts: Sequence[str]) -> Request:
        return Request("POST", "/load", {"texts": list(texts)})

    def ids(self, page: Any) -> list[str]:
        return [item["id"] for item in page["results"]]


class Hindsight(OnPostgres):
    """Hindsight on this project's PostgreSQL: its own does not start as root."""

    name = "Hindsight"
    requirements = ("hindsight-api-slim[embedded-db]==1.1.0",)
    note = "without its reranker (no registry has its models), consolidation and keys"
    batch = 100
    bank = "/v1/default/banks/benchmark"

    def command(self) -> list[str]:
        return [str(self.environment / "bin" / "hindsight-api")]

    def settings(self) -> Variables:
        variables = {
            "DATABASE_URL": self.database_url,
            "LLM_PROVIDER": "openai",
            "LLM_API_KEY": "fake",
            "LLM_MODEL": "fake",
            "LLM_BASE_URL": self.model,
            "EMBEDDINGS_PROVIDER": "openai",
            "EMBEDDINGS_OPENAI_API_KEY": "fake",
            "EMBEDDINGS_OPENAI_MODEL": "fake",
            "EMBEDDINGS_OPENAI_BASE_URL": self.model,
            "RERANKER_PROVIDER": "rrf",
            "ENABLE_OBSERVATIONS": "false",
            "RETAIN_EXTRACTION_MODE": "chunks",  # texts are stored as they are
            "LOG_LEVEL": "warning",
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
        }
        return {f"HINDSIGHT_API_{name}": each for name, each in variables.items()}

    def start(self) -> None:
        super().start()
        caller = Caller(self)
        caller.call(Request("PUT", self.bank, {"name": "benchmark"}))
        strategies = {"facts": {"retain_extraction_mode": "concise"}}
        changes = {"updates": {"retain_strategies": strategies}}
        caller.call(Request("PATCH", f"{self.bank}/config", changes))

    def request(self, work: str, text: str, pk: str) -> Request:
        memories = f"{self.bank}/memories"
        facts = {"items": [{"content": text, "strategy": "facts"}]}
        return {
            "search": Request("POST", f"{memories}/recall", {"query": text}),
            "store": self.load([text]),
            "list of 50": Request("GET", f"{memories}/list?limit=50"),
            "get": Request("GET", f"{memories}/{pk}"),
            "update": Request("PATCH", f"{memories}/{pk}", {"text": text}),
            "facts": Request("POST", memories, facts),
        }[work]

    def load(self, texts: Sequence[str]) -> Request:
        items = [{"content": text} for text in texts]
        return Request("POST", f"{self.bank}/memories", {"items": items})

    def ids(self, page: Any) -> list[str]:
        return [item["id"] for item in page["items"]]


class MemoryService(Peer):
    """doobidoo's MCP memory service, with its HTTP server and SQLite."""

    name = "doobidoo"
    requirements = ("mcp-memory-service==12.4.0",)
    lacks = {
        "update": "it changes tags and metadata only, not the text",
        "facts": "it extracts none",
    }
    note = "anybody may ask it"
    health = "/api/health"

    def command(self) -> list[str]:
        return [str(self.environment / "bin" / "memory"), "server", "--http"]

    def settings(self) -> Variables:
        return {
            "MCP_MEMORY_BASE_DIR": str(self.folder),
            "MCP_MEMORY_STORAGE_BACKEND": "sqlite_vec",
            "MCP_EXTERNAL_EMBEDDING_URL": f"{self.model}/embeddings",
            "MCP_EXTERNAL_EMBEDDING_MODEL": "fake",
            "MCP_ALLOW_ANONYMOUS_ACCESS": "true",
            "MCP_MDNS_ENABLED": "false",
            "MCP_QUALITY_SYSTEM_ENABLED": "false",
            "MCP_HTTP_HOST": "127.0.0.1",
            "MCP_HTTP_PORT": str(self.port),
        }

    def fill(self, texts: Sequence[str]) -> None:
        program = str(Path(__file__).parent / "peer_memory_service.py")
        subprocess.run(
            [str(self.python), program],
            env=self.variables(), input=json.dumps(texts).encode(), check=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def request(self, work: str, text: str, pk: str) -> Request:
        return {
            "search": Request("POST", "/api/search", {"query": text, "n_results": 10}),
            "store": self.load([text]),
            "list of 50": Request("GET", "/api/memories?page=1&page_size=50"),
            "get": Request("GET", f"/api/memories/{pk}"),
        }[work]

    def load(self, texts: Sequence[str]) -> Request:
        [text] = texts
        # Within a conversation, texts that are alike are not refused.
        return Request("POST", "/api/memories", {"content": text, "conversation_id": "benchmark"})

    def ids(self, page: Any) -> list[str]:
        return [item["content_hash"] for item in page["memories"]]


PRODUCTS: tuple[type[Peer], ...] = (OpenMemory, BuiltIn, Mem0, Hindsight, MemoryService)
