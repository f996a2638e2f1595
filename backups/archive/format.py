"""The names of an archive's members. `docs/backup-format.md` describes their contents."""

from __future__ import annotations

from typing import Final

FORMAT: Final = "openmemory-backup"
VERSION: Final = 1

ENTITIES: Final = "memories.json"
LINES: Final = "memories.jsonl.gz"
LOG: Final = "log.jsonl.gz"
VECTORS: Final = "vectors.f16"
# The last member: it has the digests of all others.
MANIFEST: Final = "manifest.json"

# A record of `vectors.f16`: the memory's id, then the numbers as IEEE 754 binary16, both
# big-endian. There is nothing before, between or after the records.
ID_BYTES: Final = 16
BYTES_PER_NUMBER: Final = 2
