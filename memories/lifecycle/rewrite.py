"""Write a changed memory, and what it was before into its history."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from accounts.models import ApiKey, User
from apps_registry.models import App
from memories.models import Category, Memory, Revision
from memories.models.memory import fingerprint
from memories.search.search_vector import search_vector
from memories.vectors.embed import EmbeddedTexts, store_vectors
from memories.words import WORDS_VERSION

# The fields of a revision, by those of the memory that they keep.
KEPT_AS = {
    "content": "content",
    "metadata": "metadata",
    "actor": "actor",
    "conversation": "conversation",
    "created_at": "said_at",
}
# What is derived from these.
DERIVED = ("fingerprint", "words", "words_version")


@dataclass(frozen=True)
class Draft:
    """What a memory is to be. Without categories, it stays in those that it is in."""

    content: str
    metadata: Mapping[str, Any]
    actor: str
    conversation: str
    created_at: datetime
    categories: Sequence[Category] | None = None

    @classmethod
    def of(cls, memory: Memory, **changes: Any) -> Draft:
        """A memory as it is, but for these changes."""
        return cls(**{name: getattr(memory, name) for name in KEPT_AS} | changes)


def rewrite_memory(
    memory: Memory,
    draft: Draft,
    embedded: EmbeddedTexts | None = None,
    *,
    by: User | None,
    key: ApiKey | None = None,
    app: App | None = None,
) -> bool:
    """Make a memory what a draft says, with one revision. Returns whether it was anything else.

    The caller has locked the memory before it was loaded, in a transaction. A new content needs
    `embedded`. `by` is None for a language model.
    """
    before = {
        kept: getattr(memory, name)
        for name, kept in KEPT_AS.items()
        if not _is_same(getattr(memory, name), getattr(draft, name))
    }
    categories = draft.categories
    if categories is not None:
        names = list(memory.categories.order_by("name").values_list("name", flat=True))
        if set(names) == {category.name for category in categories}:
            categories = None
        else:
            before["categories"] = names
    if before:
        kept = {"content": memory.content, **before, "edits_text": "content" in before}
        Revision.objects.create(memory=memory, edited_by=by, key=key, app=app, **kept)
        _save(memory, draft)
    if categories is not None:
        memory.replace_categories(categories)
    if "content" in before:
        assert embedded is not None  # noqa: S101 - see above
        # Even when no new vector is stored now: one of the previous content finds the wrong memory.
        memory.embeddings.all().delete()
        store_vectors([memory], embedded)
    return bool(before)


def _save(memory: Memory, draft: Draft) -> None:
    for name in KEPT_AS:
        setattr(memory, name, getattr(draft, name))
    memory.fingerprint = fingerprint(memory.content)
    memory.words = search_vector(memory.content, memory.created_at)
    memory.updated_at = timezone.now()
    memory.words_version = WORDS_VERSION
    memory.save(update_fields=[*KEPT_AS, *DERIVED, "updated_at", "categories_given"])
    memory.version += 1  # as the database has just done


def _is_same(old: Any, new: Any) -> bool:
    # In JSON, 1, 1.0 and true are not the same.
    return old == new and (not isinstance(old, dict) or _dump(old) == _dump(new))


def _dump(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
