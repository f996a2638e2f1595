"""LangGraph's long-term memory: a `BaseStore` whose items are memories by key."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from langgraph.store.base import (
    BaseStore,
    GetOp,
    Item,
    ListNamespacesOp,
    MatchCondition,
    Op,
    PutOp,
    Result,
    SearchItem,
    SearchOp,
    get_text_at_path,
    tokenize_path,
)

from openmemory_client.client import Client
from openmemory_client.errors import NotFound
from openmemory_client.models import Memory

from .labels import join_labels, split_labels
from .store_filter import matches, to_metadata_filter

MOST_RESULTS = 100


class OpenMemoryStore(BaseStore):
    """Items are stored under `root`, each as a memory: its value, and its text for searches.

    A value is a JSON object of up to 16 KiB. All is indexed by default; `index` names fields, or
    is False for an item that only its key and filters find. There is no TTL.
    """

    supports_ttl = False

    def __init__(self, client: Client, *, root: str = "langgraph", index: list[str] | None = None):
        self._client, self._root, self._index = client, root, index

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        ops = list(ops)
        results: list[Result] = []
        puts: dict[tuple[tuple[str, ...], str], PutOp] = {}
        for op in ops:
            if isinstance(op, PutOp):
                puts[op.namespace, op.key] = op
                results.append(None)
            else:
                results.append(self._read(op))
        for put in puts.values():
            self._put(put)
        return results

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        return await asyncio.to_thread(self.batch, list(ops))

    def _read(self, op: Op) -> Result:
        if isinstance(op, GetOp):
            return self._get(op)
        if isinstance(op, SearchOp):
            return self._search(op)
        if isinstance(op, ListNamespacesOp):
            return self._list_namespaces(op)
        raise ValueError(f"{type(op).__name__} is not supported.")

    def _namespace(self, labels: Iterable[str]) -> str:
        return join_labels((self._root, *labels))

    def _get(self, op: GetOp) -> Item | None:
        try:
            memory = self._client.get_by_key(self._namespace(op.namespace), op.key)
        except NotFound:
            return None
        return Item(**_item_fields(memory))

    def _put(self, op: PutOp) -> None:
        namespace = self._namespace(op.namespace)
        if op.value is None:
            try:
                self._client.delete_by_key(namespace, op.key)
            except NotFound:
                return
            return
        text = self._text(op)
        metadata = {
            "value": op.value,
            "indexed": text is not None,
            "put_at": datetime.now(UTC).isoformat(),
        }
        whole = json.dumps(op.value, ensure_ascii=False, default=str)
        self._client.put_by_key(namespace, op.key, text or whole, metadata=metadata)

    def _text(self, op: PutOp) -> str | None:
        """The text that finds an item; None if only its key and filters do."""
        if op.index is False or op.value is None:
            return None
        paths = op.index if op.index is not None else self._index
        if paths is None or list(paths) == ["$"]:
            texts = list(_leaves(op.value))
        else:
            texts = [
                text for path in paths for text in get_text_at_path(op.value, tokenize_path(path))
            ]
        joined = "\n".join(text for text in texts if text.strip())
        return _shorten(joined) if joined else None

    def _search(self, op: SearchOp) -> list[SearchItem]:
        if not op.query or not op.query.strip():
            found = self._filtered(op)
            return list(islice(found, op.offset, op.offset + op.limit))
        wanted = op.offset + op.limit
        items = self._ranked(op, wanted)
        if len(items) < wanted:
            # Those that no search finds come last, without a score.
            known = {(item.namespace, item.key) for item in items}
            others = (it for it in self._filtered(op) if (it.namespace, it.key) not in known)
            items += islice(others, wanted - len(items))
        return items[op.offset : wanted]

    def _ranked(self, op: SearchOp, wanted: int) -> list[SearchItem]:
        found = self._client.search(
            _shorten(op.query or ""),
            top_k=MOST_RESULTS if op.filter else min(wanted, MOST_RESULTS),
            min_score=0,
            filters={
                "namespace": self._namespace(op.namespace_prefix),
                "metadata": to_metadata_filter(op.filter, indexed=True),
            },
        )
        items = [SearchItem(**_item_fields(hit), score=hit.score) for hit in found.hits]
        return [item for item in items if matches(item.value, op.filter)][:wanted]

    def _filtered(self, op: SearchOp) -> Iterator[SearchItem]:
        memories = self._client.list(
            namespace=self._namespace(op.namespace_prefix),
            metadata=to_metadata_filter(op.filter),
        )
        for memory in memories:
            item = SearchItem(**_item_fields(memory))
            if matches(item.value, op.filter):
                yield item

    def _list_namespaces(self, op: ListNamespacesOp) -> list[tuple[str, ...]]:
        conditions = op.match_conditions or ()
        found = {
            split_labels(each.namespace)[1:] for each in self._client.namespaces(self._root)
        } - {()}
        kept = [labels for labels in found if all(_fits(labels, each) for each in conditions)]
        shown = sorted({labels[: op.max_depth] for labels in kept})
        return shown[op.offset : op.offset + op.limit]


def _fits(labels: tuple[str, ...], condition: MatchCondition) -> bool:
    path = tuple(condition.path)
    if len(labels) < len(path):
        return False
    part = labels[: len(path)] if condition.match_type == "prefix" else labels[-len(path) :]
    return not path or all(want in ("*", label) for label, want in zip(part, path, strict=True))


def _item_fields(memory: Memory) -> dict[str, Any]:
    put_at = memory.metadata.get("put_at")
    return {
        "value": memory.metadata.get("value", {}),
        "key": memory.key or "",
        "namespace": split_labels(memory.namespace or "")[1:],
        "created_at": memory.created_at,
        "updated_at": datetime.fromisoformat(put_at) if put_at else memory.created_at,
    }


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _leaves(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _leaves(inner)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _shorten(text: str) -> str:
    """Keep what the server takes as a text."""
    return text.encode()[: 32 * 1024].decode(errors="ignore")
