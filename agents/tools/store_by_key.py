"""Memories by keys of one's own, for the tools that take `namespace` and `key`."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from pydantic import Field

from agents.tool_call import Caller
from core.errors import Malformed
from memories.lifecycle.remember import StoredMemory
from memories.lifecycle.upsert import upsert
from memories.models import Memory
from memories.own_keys import Address
from memories.serializers import KeyedMemorySerializer, build_content

from .arguments import validate

OwnNamespace = Annotated[
    str | None,
    Field(description="The namespace of `key`: parts separated by dots, such as `projects.house`."),
]
OwnKey = Annotated[
    str | None,
    Field(description="Your own key of the memory, instead of its id: such as `garden/roses`."),
]


def parse_address(namespace: str | None, key: str | None) -> Address | None:
    """None if neither is given. Raises Malformed and InvalidAddress."""
    if namespace is None and key is None:
        return None
    for name, value in (("namespace", namespace), ("key", key)):
        if value is None:
            raise Malformed("Send `namespace` and `key` together, or neither.", field=name)
    return Address.parse(namespace or "", key or "")


def parse_identity(
    memory_id: uuid.UUID | None, namespace: str | None, key: str | None
) -> uuid.UUID | Address:
    """What a call names a memory by. Raises Malformed and InvalidAddress."""
    address = parse_address(namespace, key)
    if address is None and memory_id is not None:
        return memory_id
    if address is None or memory_id is not None:
        raise Malformed("Send either `memory_id`, or `namespace` and `key`.", field="memory_id")
    return address


def store_by_key(caller: Caller, address: Address, **fields: Any) -> StoredMemory:
    """Store a memory by a key, or replace the one that has it, by the rules of the API.

    It is stored as it is, whatever `infer` says. Raises Malformed and what `upsert` raises.
    """
    fields.pop("infer")
    for name in ("messages", "supersedes"):
        if fields.pop(name) is not None:
            raise Malformed(f"A memory by a key takes no `{name}`.", field=name)
    return upsert(
        address,
        build_content(validate(KeyedMemorySerializer, fields)),
        app=caller.remembering_app,
        among=caller.memories(),
        user=caller.user,
        by=caller.by,
        key=caller.key,
        expectation=_expect_anything,
    )


def _expect_anything(memory: Memory | None) -> None:
    """Whatever has the key is replaced."""
