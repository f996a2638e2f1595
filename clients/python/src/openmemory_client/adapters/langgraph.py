"""LangGraph's long-term memory: a `BaseStore` whose items are memories by key."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import count, islice
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
from openmemory_client.fields import Filters
from openmemory_client.models import Hit, Memory

from .labels import join_labels, split_labels
from .store_filter import matches, to_metadata_filter

MOST_RESULTS = 100

# Of a probability. Items that match entirely have the same score, as elsewhere in LangGraph.
SCORE_DIGITS = 2

# Of an item with several indexed texts, each is a memory in this namespace below that of the item.
# No label becomes this name.
TEXTS = ".%01"


class OpenMemoryStore(BaseStore):
    """Items are stored under `root`, each as a memory: its value, and its text for searches.

    A value is a JSON object of up to 16 KiB. All is indexed by default, as one text. `index` names
    fields, each of which becomes a memory of its own if there are several, or is False for an item
    that only its key and filters find. There is no TTL.
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
            self._delete(namespace, op.key)
            self._delete_texts(namespace, op.key, after=0)
            return
        texts = self._texts(op)
        single, several = (texts, []) if len(texts) < 2 else ([], texts)
        item = {"value": op.value, "put_at": datetime.now(UTC).isoformat()}
        shown = "\n".join(texts) or json.dumps(op.value, ensure_ascii=False, default=str)
        metadata = {**item, "indexed": bool(single)}
        stored = self._client.put_by_key(namespace, op.key, _shorten(shown), metadata=metadata)
        for number, text in enumerate(several):
            place, metadata = f"{number}/{op.key}", {**item, "indexed": True, "text_of": op.key}
            self._client.put_by_key(namespace + TEXTS, place, _shorten(text), metadata=metadata)
        if stored.event == "UPDATE":
            self._delete_texts(namespace, op.key, after=len(several))

    def _delete(self, namespace: str, key: str) -> bool:
        try:
            self._client.delete_by_key(namespace, key)
        except NotFound:
            return False
        return True

    def _delete_texts(self, namespace: str, key: str, *, after: int) -> None:
        for number in count(after):
            if not self._delete(namespace + TEXTS, f"{number}/{key}"):
                return

    def _texts(self, op: PutOp) -> list[str]:
        """The texts that find an item; none if only its key and filters do."""
        if op.index is False or op.value is None:
            return []
        paths = op.index if op.index is not None else self._index
        if paths is None or list(paths) == ["$"]:
            joined = "\n".join(text for text in _leaves(op.value) if text.strip())
            return [joined] if joined else []
        found = [text for path in paths for text in get_text_at_path(op.value, tokenize_path(path))]
        return [text for text in found if text.strip()]

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
        """The items that a search finds, each by the best of its texts."""
        top_k = MOST_RESULTS if op.filter else min(wanted, MOST_RESULTS)
        hits = self._find(op, top_k)
        items = _best_of_each(hits, op)
        if len(items) < wanted and len(hits) == top_k < MOST_RESULTS:  # texts of the same items
            items = _best_of_each(self._find(op, MOST_RESULTS), op)
        return items[:wanted]

    def _find(self, op: SearchOp, top_k: int) -> list[Hit]:
        filters: Filters = {
            "namespace": self._namespace(op.namespace_prefix),
            "metadata": to_metadata_filter(op.filter, indexed=True),
        }
        query = _shorten(op.query or "")
        return self._client.search(query, top_k=top_k, min_score=0, filters=filters).hits

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
            split_labels(each.namespace)[1:]
            for each in self._client.namespaces(self._root)
            if not each.namespace.endswith(TEXTS)
        } - {()}
        kept = [labels for labels in found if all(_fits(labels, each) for each in conditions)]
        shown = sorted({labels[: op.max_depth] for labels in kept})
        return shown[op.offset : op.offset + op.limit]


def _best_of_each(hits: list[Hit], op: SearchOp) -> list[SearchItem]:
    items: dict[tuple[tuple[str, ...], str], SearchItem] = {}
    for hit in hits:
        item = SearchItem(**_item_fields(hit), score=round(hit.score, SCORE_DIGITS))
        if matches(item.value, op.filter):
            items.setdefault((item.namespace, item.key), item)
    return list(items.values())


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
        "key": memory.metadata.get("text_of", memory.key or ""),
        "namespace": split_labels((memory.namespace or "").removesuffix(TEXTS))[1:],
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
