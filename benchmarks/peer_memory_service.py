"""Load texts into doobidoo's memory service, for `peers.py`.

    python benchmarks/peer_memory_service.py <TEXTS

It runs in the virtual environment of the service, with its variables, and stores batches as its
own importers do: over HTTP each text takes longer, the more there are.
"""

from __future__ import annotations

import asyncio
import json
import sys

from mcp_memory_service.models.memory import Memory
from mcp_memory_service.utils.hashing import generate_content_hash
from mcp_memory_service.web.dependencies import create_storage_backend

BATCH = 500


async def load(texts: list[str]) -> None:
    storage = await create_storage_backend()
    for start in range(0, len(texts), BATCH):
        memories = [
            Memory(content=text, content_hash=generate_content_hash(text))
            for text in texts[start : start + BATCH]
        ]
        for is_stored, message in await storage.store_batch(memories):
            if not is_stored:
                raise SystemExit(message)


if __name__ == "__main__":
    asyncio.run(load(json.load(sys.stdin)))
