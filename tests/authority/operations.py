"""How each operation is called, about what the owner has: `{memory_id}` is their memory's id."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.authority.world import Ids
from tests.backups.archive_factory import Original

IDS = {"memory_ids": ["{memory_id}"]}
MODEL = {"provider": "local"}


@dataclass(frozen=True)
class Asked:
    """What a request holds beside its path."""

    query: dict[str, Any] = field(default_factory=dict)
    body: Any = None
    path: str = ""  # where its names of ids are not the schema's


# What an operation needs, or can hold an id in. The others are called with their path alone.
ASKED = {
    "GET /memories": Asked(query={"app_id": "{app_id}"}),
    "POST /memories": Asked(body={"text": "We go to the sea in June", "infer": False}),
    "POST /memories/bulk": Asked(
        body={"memories": [{"text": "We go to the sea in June", "infer": False}]}
    ),
    "PATCH /memories/bulk": Asked(body={"ids": ["{memory_id}"], "changes": {"actor": "Ana"}}),
    "DELETE /memories": Asked(body=IDS),
    "PUT /memories/{memory_id}": Asked(body={"memory_content": "Rex is brave"}),
    "PATCH /memories/{memory_id}": Asked(body={"text": "Rex is brave", "metadata": {"a": 1}}),
    "GET /memories/by-key/{namespace}/{key}": Asked(path="/memories/by-key/pets/rex"),
    "PUT /memories/by-key/{namespace}/{key}": Asked(
        path="/memories/by-key/pets/rex", body={"text": "Rex is brave"}
    ),
    "DELETE /memories/by-key/{namespace}/{key}": Asked(path="/memories/by-key/pets/rex"),
    "POST /memories/search": Asked(
        body={"query": "What scares the dog?", "filters": {"app_ids": ["{app_id}"]}}
    ),
    "POST /memories/context": Asked(
        body={"query": "What scares the dog?", "filters": {"app_ids": ["{app_id}"]}}
    ),
    "POST /memories/filter": Asked(
        body={"app_ids": ["{app_id}"], "category_ids": ["{category_id}"]}
    ),
    "POST /memories/actions/archive": Asked(body=IDS),
    "POST /memories/actions/pause": Asked(body=IDS),
    "GET /memories/diff": Asked(query={"from": "{moment}"}),
    "POST /log/{sequence}/undo": Asked(body={}),
    "PUT /apps/{app_id}": Asked(body={"is_active": False}),
    "POST /apps/{app_id}/rules": Asked(body={"memory_id": "{memory_id}", "effect": "allow"}),
    "POST /keys": Asked(body={"name": "another"}),
    "POST /backup/import": Asked(body={"file": Original().zipped()}),
    "POST /users": Asked(body={"user_id": "carol"}),
    "PATCH /users/me": Asked(body={"time_zone": "Europe/Berlin"}),
    "GET /jobs/{job_id}/download": Asked(path="/jobs/{exporting_id}/download"),
    "PUT /config": Asked(body={"openmemory": {"custom_instructions": "Be brief."}}),
    "PATCH /config": Asked(body={"openmemory": {"custom_instructions": "Be brief."}}),
    "PUT /config/mem0/llm": Asked(body=MODEL),
    "PUT /config/mem0/embedder": Asked(body=MODEL),
    "PUT /config/mem0/vector_store": Asked(body={"provider": "pgvector"}),
    "PUT /config/openmemory": Asked(body={"custom_instructions": "Be brief."}),
}


def is_personal(operation: str) -> bool:
    """Whether it is about one user, and so may be about the owner or about the caller."""
    path = operation.split()[1]
    return not path.startswith("/config") and path != "/users"


def filled(value: Any, ids: Ids) -> Any:
    """Put ids in the place of their names, at any depth."""
    if isinstance(value, dict):
        return {key: filled(inner, ids) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, ids) for inner in value]
    return value.format(**ids) if isinstance(value, str) else value
