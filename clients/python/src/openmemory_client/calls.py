"""What each method asks the server, and how it reads the answer, without asking it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from .errors import BadRequest
from .models import (
    Found,
    Memory,
    Namespace,
    PromptText,
    Stored,
    read_hit,
    read_memory,
    read_stored,
)

T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    status: int
    data: Any
    headers: Mapping[str, str]

    @property
    def etag(self) -> str | None:
        return self.headers.get("ETag")


@dataclass(frozen=True)
class Call(Generic[T]):
    """One request. `operation` is that of the OpenAPI document, without its prefix."""

    operation: str
    read: Callable[[Answer], T]
    names: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def method(self) -> str:
        return self.operation.split()[0]

    @property
    def path(self) -> str:
        """Raises BadRequest for a name that would lead to another path."""
        names = {name: _as_segment(name, value) for name, value in self.names.items()}
        return self.operation.split()[1].format(**names)

    @property
    def parameters(self) -> dict[str, str]:
        return {name: _as_text(value) for name, value in self.query.items() if value is not None}

    @property
    def content(self) -> bytes | None:
        if self.body is None:
            return None
        return json.dumps(self.body, default=_as_json, ensure_ascii=False).encode()

    def page(self, number: int) -> Call[T]:
        query = {**self.query, "page": number}
        return Call(self.operation, self.read, self.names, query, self.body, self.headers)


def _as_segment(name: str, value: str) -> str:
    if value in ("", ".", ".."):  # which those that send URLs take out of them
        raise BadRequest(f"`{name}` cannot be {value!r}.", code="invalid_address")
    return quote(value, safe="")


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence | set | frozenset):
        return list(value)
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON.")


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat()
    return json.dumps(value, default=_as_json) if isinstance(value, Mapping) else str(value)


def _conditions(if_match: str | None = None, if_none_match: str | None = None) -> dict[str, str]:
    named = {"If-Match": if_match, "If-None-Match": if_none_match}
    return {name: value for name, value in named.items() if value is not None}


def _nothing(answer: Answer) -> None:
    return None


def _plain(answer: Answer) -> dict[str, Any]:
    data: dict[str, Any] = answer.data
    return data


def _items(answer: Answer) -> list[dict[str, Any]]:
    """The rows of a page. Lists that the original has call them as it does."""
    [rows] = [answer.data[name] for name in ("items", "apps", "logs") if name in answer.data]
    return list(rows)


def last_page(answer: Answer) -> int:
    size = answer.data.get("size") or answer.data["page_size"]
    return -(-int(answer.data["total"]) // int(size))


def _memories(answer: Answer) -> list[Memory]:
    return [read_memory(item) for item in answer.data["items"]]


def _memory(answer: Answer) -> Memory:
    return read_memory(answer.data, answer.etag)


def _changed(answer: Answer) -> Stored:
    event = "ADD" if answer.status == 201 else "UPDATE"
    return read_stored(answer.data, answer.etag, event)


def _found(answer: Answer) -> Found:
    hits = [read_hit(hit) for hit in answer.data["results"]]
    return Found(hits, bool(answer.data.get("nothing_fits")))


def add(
    text: str | None,
    messages: Sequence[Mapping[str, str]] | None,
    fields: Mapping[str, Any],
    wait: int | None,
) -> Call[Stored]:
    said = {"text": text} if messages is None else {"messages": messages}
    headers = {} if wait is None else {"Prefer": f"wait={wait}"}
    return Call("POST /memories", _changed, body={**said, **fields}, headers=headers)


def add_many(
    memories: Sequence[Mapping[str, Any]], atomic: bool, user_id: str | None
) -> Call[list[dict[str, Any]]]:
    body = {"memories": memories, "atomic": atomic, "user_id": user_id}
    return Call("POST /memories/bulk", lambda answer: list(answer.data["results"]), body=body)


def get(memory_id: str, as_of: Any, include_expired: bool) -> Call[Memory]:
    query = {"as_of": as_of, "include_expired": include_expired or None}
    return Call("GET /memories/{memory_id}", _memory, {"memory_id": memory_id}, query)


def update(memory_id: str, fields: Mapping[str, Any], if_match: str | None) -> Call[Stored]:
    return Call(
        "PATCH /memories/{memory_id}",
        _changed,
        {"memory_id": memory_id},
        body=fields,
        headers=_conditions(if_match),
    )


def delete(memory_id: str, if_match: str | None) -> Call[None]:
    names, headers = {"memory_id": memory_id}, _conditions(if_match)
    return Call("DELETE /memories/{memory_id}", _nothing, names, headers=headers)


def delete_many(memory_ids: Sequence[str], user_id: str | None) -> Call[None]:
    body = {"memory_ids": list(memory_ids), "user_id": user_id}
    return Call("DELETE /memories", _nothing, body=body)


def listed(fields: Mapping[str, Any], page_size: int) -> Call[list[Memory]]:
    return Call("GET /memories", _memories, query={**fields, "page_size": page_size})


def search(query: str, fields: Mapping[str, Any]) -> Call[Found]:
    return Call("POST /memories/search", _found, body={"query": query, **fields})


def context(fields: Mapping[str, Any]) -> Call[PromptText]:
    def read(answer: Answer) -> PromptText:
        return PromptText(answer.data["text"], answer.data["memories"], answer.data["tokens"])

    return Call("POST /memories/context", read, body=dict(fields))


def _at(namespace: str | Sequence[str], key: str) -> dict[str, str]:
    parts = namespace if isinstance(namespace, str) else ".".join(namespace)
    return {"namespace": parts, "key": key}


BY_KEY = "/memories/by-key/{namespace}/{key}"


def get_by_key(namespace: str | Sequence[str], key: str) -> Call[Memory]:
    return Call(f"GET {BY_KEY}", _memory, _at(namespace, key))


def put_by_key(
    namespace: str | Sequence[str],
    key: str,
    text: str,
    fields: Mapping[str, Any],
    if_match: str | None,
    if_none_match: str | None,
) -> Call[Stored]:
    headers = _conditions(if_match, if_none_match)
    body = {"text": text, **fields}
    return Call(f"PUT {BY_KEY}", _changed, _at(namespace, key), body=body, headers=headers)


def delete_by_key(namespace: str | Sequence[str], key: str, if_match: str | None) -> Call[None]:
    return Call(f"DELETE {BY_KEY}", _nothing, _at(namespace, key), headers=_conditions(if_match))


def namespaces(prefix: str | None, user_id: str | None, page_size: int) -> Call[list[Namespace]]:
    def read(answer: Answer) -> list[Namespace]:
        return [Namespace(item["namespace"], item["count"]) for item in answer.data["items"]]

    query = {"namespace": prefix, "user_id": user_id, "page_size": page_size}
    return Call("GET /memories/namespaces", read, query=query)


def pages_of_memory(name: str, memory_id: str) -> Call[list[dict[str, Any]]]:
    return Call(f"GET /memories/{{memory_id}}/{name}", _items, {"memory_id": memory_id})


def log(fields: Mapping[str, Any]) -> Call[list[dict[str, Any]]]:
    return Call("GET /log", _items, query=fields)


def undo(sequence: int, run: bool, user_id: str | None) -> Call[dict[str, Any]]:
    body = {"run": run, "user_id": user_id}
    return Call("POST /log/{sequence}/undo", _plain, {"sequence": str(sequence)}, body=body)


def categories(user_id: str | None) -> Call[dict[str, Any]]:
    return Call("GET /memories/categories", _plain, query={"user_id": user_id})


def apps(fields: Mapping[str, Any]) -> Call[list[dict[str, Any]]]:
    return Call("GET /apps", _items, query=fields)


def set_app_active(app_id: str, is_active: bool) -> Call[dict[str, Any]]:
    body = {"is_active": is_active}
    return Call("PUT /apps/{app_id}", _plain, {"app_id": app_id}, body=body)


def stats(user_id: str | None) -> Call[dict[str, Any]]:
    return Call("GET /stats", _plain, query={"user_id": user_id})


def job(job_id: str) -> Call[dict[str, Any]]:
    return Call("GET /jobs/{job_id}", _plain, {"job_id": job_id})


def me() -> Call[dict[str, Any]]:
    return Call("GET /users/me", _plain)


def put_state(memory_ids: Sequence[str], state: str, user_id: str | None) -> Call[dict[str, Any]]:
    body = {"memory_ids": list(memory_ids), "state": state, "user_id": user_id}
    return Call("POST /memories/actions/pause", _plain, body=body)


def archive(memory_ids: Sequence[str], user_id: str | None) -> Call[dict[str, Any]]:
    body = {"memory_ids": list(memory_ids), "user_id": user_id}
    return Call("POST /memories/actions/archive", _plain, body=body)
