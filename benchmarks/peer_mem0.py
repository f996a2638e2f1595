"""A small server around Mem0's library, for `peers.py`.

    python benchmarks/peer_mem0.py PORT MODEL_URL DATABASE_URL FOLDER

It runs in the virtual environment of Mem0, not in that of this project. As in the server that Mem0
has in its repository, each operation is one call of the library in a thread. It has no keys.
"""

from __future__ import annotations

import hashlib
import sys
import uuid
from datetime import UTC, datetime
from typing import Any

import uvicorn
from fastapi import FastAPI

from mem0 import Memory

USER = "benchmark"
FILTERS = {"user_id": USER}
BATCH = 100

Body = dict[str, Any]


def configuration(model_url: str, database_url: str, folder: str) -> Body:
    model = {"model": "fake", "openai_base_url": model_url, "api_key": "fake"}
    store = {
        "connection_string": database_url,
        "embedding_model_dims": 384,
        "collection_name": "memories",
        "maxconn": 10,
    }
    return {
        "llm": {"provider": "openai", "config": model},
        "embedder": {"provider": "openai", "config": model},
        "vector_store": {"provider": "pgvector", "config": store},
        "history_db_path": f"{folder}/history.db",
    }


def build_app(memory: Memory) -> FastAPI:
    app = FastAPI()

    @app.get("/health")
    def health() -> Body:
        return {}

    @app.post("/memories")
    def add(body: Body) -> Any:
        messages = [{"role": "user", "content": body["text"]}]
        return memory.add(messages, user_id=USER, infer=body["infer"])

    @app.post("/search")
    def search(body: Body) -> Any:
        return memory.search(body["query"], filters=FILTERS, top_k=10)

    @app.get("/memories")
    def list_memories(limit: int) -> Any:
        return memory.get_all(filters=FILTERS, top_k=limit)

    @app.get("/memories/{pk}")
    def get(pk: str) -> Any:
        return memory.get(pk)

    @app.put("/memories/{pk}")
    def update(pk: str, body: Body) -> Any:
        return memory.update(pk, text=body["text"])

    @app.post("/load")
    def load(body: Body) -> Any:
        """Store many as `add` does each, with one call of the embedder for a batch."""
        for start in range(0, len(body["texts"]), BATCH):
            insert(memory, body["texts"][start : start + BATCH])
        return {}

    return app


def insert(memory: Memory, texts: list[str]) -> None:
    now = datetime.now(UTC).isoformat()
    payloads = [
        {
            "user_id": USER,
            "role": "user",
            "data": text,
            "hash": hashlib.md5(text.encode()).hexdigest(),
            "created_at": now,
            "updated_at": now,
            "text_lemmatized": text.lower(),
        }
        for text in texts
    ]
    vectors = memory.embedding_model.embed_batch(texts, "add")
    ids = [str(uuid.uuid4()) for _ in texts]
    memory.vector_store.insert(vectors=vectors, ids=ids, payloads=payloads)


def main() -> None:
    port, model_url, database_url, folder = sys.argv[1:]
    memory = Memory.from_config(configuration(model_url, database_url, folder))
    app = build_app(memory)
    uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="warning")


if __name__ == "__main__":
    main()
