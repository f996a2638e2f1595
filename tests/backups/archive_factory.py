"""Archives of the original server and of this one, to be changed and zipped."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import struct
import uuid
import zipfile
from typing import Any

ENTITIES, LINES, MANIFEST, VECTORS = (
    "memories.json", "memories.jsonl.gz", "manifest.json", "vectors.f16",
)  # fmt: skip

EARLY, LATE = "2024-06-16T00:00:00.123456+00:00", "2024-06-17T10:30:00+00:00"


def zipped(members: dict[str, bytes], **kind: Any) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, **kind) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return target.getvalue()


class Original:
    """An archive of the original server: one memory of each state, two of them in a category."""

    def __init__(self, user_id: str = "anna") -> None:
        self.user = str(uuid.uuid4())
        self.app = str(uuid.uuid4())
        self.category = str(uuid.uuid4())
        states = ["active", "paused", "archived", "deleted"]
        self.entities: dict[str, Any] = {
            "user": {
                "id": self.user, "user_id": user_id, "name": None, "email": None, "metadata": {},
                "created_at": EARLY, "updated_at": EARLY,
            },
            "apps": [
                {
                    "id": self.app, "owner_id": self.user, "name": "cursor", "description": None,
                    "metadata": {}, "is_active": False, "created_at": EARLY, "updated_at": LATE,
                }
            ],
            "categories": [
                {
                    "id": self.category, "name": "Pet Care", "description": "Of animals",
                    "created_at": EARLY, "updated_at": EARLY,
                }
            ],
            "memories": [self.memory(f"Rex is {state}", state) for state in states],
            "memory_categories": [],
            "status_history": [],
            "access_controls": [],
            "export_meta": {
                "app_id_filter": None, "from_date": None, "to_date": None, "version": "1",
                "generated_at": LATE,
            },
        }  # fmt: skip
        for memory in self.entities["memories"][:2]:
            self.put_in(memory, self.category)
        for memory in self.entities["memories"][1:]:
            self.note(memory, "active", memory["state"])

    @property
    def memories(self) -> list[dict[str, Any]]:
        return self.entities["memories"]

    def memory(self, content: str, state: str = "active", **fields: Any) -> dict[str, Any]:
        return {
            "id": str(uuid.uuid4()), "user_id": self.user, "app_id": self.app, "content": content,
            "metadata": {"said": content}, "state": state, "created_at": EARLY,
            "updated_at": LATE, "archived_at": LATE if state == "archived" else None,
            "deleted_at": LATE if state == "deleted" else None, "category_ids": [], **fields,
        }  # fmt: skip

    def put_in(self, memory: dict[str, Any], category: str) -> None:
        memory["category_ids"].append(category)
        link = {"memory_id": memory["id"], "category_id": category}
        self.entities["memory_categories"].append(link)

    def note(self, memory: dict[str, Any], old: str, new: str) -> None:
        self.entities["status_history"].append(
            {
                "id": str(uuid.uuid4()), "memory_id": memory["id"], "changed_by": self.user,
                "old_state": old, "new_state": new, "changed_at": LATE,
            }
        )  # fmt: skip

    def rule(self, effect: str, memory: str | None = None, **fields: Any) -> None:
        self.entities["access_controls"].append(
            {
                "id": str(uuid.uuid4()), "subject_type": "app", "subject_id": self.app,
                "object_type": "memory", "object_id": memory, "effect": effect,
                "created_at": EARLY, **fields,
            }
        )  # fmt: skip

    def lines(self) -> list[dict[str, Any]]:
        names = {category["id"]: category["name"] for category in self.entities["categories"]}
        kept = ("id", "content", "metadata", "created_at", "updated_at", "state")
        return [
            {
                **{name: memory[name] for name in kept},
                "app": "cursor",
                "categories": [names[pk] for pk in memory["category_ids"] if pk in names],
            }
            for memory in self.memories
        ]

    def members(self) -> dict[str, bytes]:
        lines = "".join(json.dumps(line) + "\n" for line in self.lines())
        return {
            ENTITIES: json.dumps(self.entities, indent=2).encode(),
            LINES: gzip.compress(lines.encode()),
        }

    def zipped(self, folder: str = "") -> bytes:
        return zipped({folder + name: data for name, data in self.members().items()})


class Ours(Original):
    """The same with what this server adds: a manifest, vectors and former contents."""

    def __init__(self, user_id: str = "anna") -> None:
        super().__init__(user_id)
        self.entities["revisions"] = [
            {
                "id": str(uuid.uuid4()), "memory_id": self.memories[0]["id"],
                "content": "Rex was asleep", "edited_by": self.user, "edited_at": LATE,
            }
        ]  # fmt: skip
        for memory in self.memories:
            memory["state_changed_at"] = memory["updated_at"]
            memory["superseded_by"] = None
            self.begin(memory)
        self.memories[3]["superseded_by"] = self.memories[0]["id"]
        self.space = {"provider": "local", "model": "bge-small-en-v1.5", "dimensions": 384}
        self.vectors = {memory["id"]: self.vector() for memory in self.memories}

    def begin(self, memory: dict[str, Any]) -> None:
        self.note(memory, "deleted", "active")
        step = self.entities["status_history"].pop()
        step |= {"begins": True, "reason": "", "changed_at": EARLY}
        self.entities["status_history"].insert(0, step)

    def vector(self) -> list[float]:
        return [1.0] + [0.0] * (self.space["dimensions"] - 1)

    def members(self) -> dict[str, bytes]:
        record = struct.Struct(f">16s{self.space['dimensions']}e")
        packed = [record.pack(uuid.UUID(pk).bytes, *vector) for pk, vector in self.vectors.items()]
        members = {**super().members(), VECTORS: b"".join(packed)}
        return {**members, MANIFEST: json.dumps(self.manifest(members)).encode()}

    def manifest(self, members: dict[str, bytes]) -> dict[str, Any]:
        lists = {name: rows for name, rows in self.entities.items() if isinstance(rows, list)}
        return {
            "format": "openmemory-backup",
            "version": 1,
            "created_at": LATE,
            "server": "openmemory 0.1.0",
            "user": {"id": self.user, "user_id": self.entities["user"]["user_id"]},
            "filters": {"app_id": None, "from_date": None, "to_date": None},
            "counts": {
                **{name: len(rows) for name, rows in lists.items()},
                "vectors": len(self.vectors),
            },
            "members": {
                name: {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
                for name, data in members.items()
            },
            "vectors": self.space,
        }
