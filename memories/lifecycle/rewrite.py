"""Write a changed memory, and what it was before into its history."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, F, Func, Value, When
from django.utils import timezone

from accounts.models import ApiKey, User
from apps_registry.models import App
from core.sql import fetch_column
from memories.models import Categorization, Category, Memory, Revision, Terms
from memories.models.fingerprint import fingerprint
from memories.models.terms import TERMS, show_terms
from memories.search.search_vector import search_vector
from memories.vectors.embed import EmbeddedTexts, delete_vectors, store_vectors
from memories.words import WORDS_VERSION

# The fields of a revision, by those of the memory that they keep.
KEPT_AS = {
    "content": "content",
    "metadata": "metadata",
    "actor": "actor",
    "conversation": "conversation",
    "created_at": "said_at",
}
CATEGORY_NAMES = """
SELECT name FROM memories_category JOIN memories_categorization
    ON category_id = memories_category.id
WHERE memory_id = %s ORDER BY name
"""
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
    terms: Terms
    categories: Sequence[Category] | None = None

    @classmethod
    def of(cls, memory: Memory, **changes: Any) -> Draft:
        """A memory as it is, but for these changes."""
        fields = {name: getattr(memory, name) for name in (*KEPT_AS, "terms")}
        return cls(**fields | changes)


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
    before = _find_changes(memory, draft)
    categories = draft.categories
    if categories is not None:
        names = _category_names(memory)
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
        delete_vectors(memory)
        store_vectors([memory], embedded)
    return bool(before)


def _category_names(memory: Memory) -> list[str]:
    """Those that it was loaded with, if it was loaded `with_relations`."""
    loaded: list[str] | None = vars(memory).get("category_names")
    if loaded is not None:
        return loaded
    return fetch_column(CATEGORY_NAMES, [memory.pk])


def rewrite_memories(
    drafts: Mapping[Memory, Draft], *, by: User, key: ApiKey | None, app: App | None
) -> int:
    """Make many memories of one user what drafts say, whose contents are theirs.

    As `rewrite_memory` does, with a few statements. The memories are loaded `with_relations`.
    Returns how many were anything else.
    """
    revisions, recategorized = {}, {}
    for memory, draft in drafts.items():
        before = _find_changes(memory, draft)
        if draft.categories is not None:
            names = {category.name for category in draft.categories}
            if names != set(memory.category_names):
                before["categories"] = memory.category_names
                recategorized[memory] = draft.categories
        if before:
            kept = {"content": memory.content, **before, "edits_text": False}
            author = {"edited_by": by, "key": key, "app": app}
            revisions[memory] = Revision(memory=memory, **author, **kept)
    Revision.objects.bulk_create(revisions.values())
    _save_all({memory: drafts[memory] for memory in revisions})
    Categorization.objects.replace_many(recategorized)
    return len(revisions)


def _save_all(drafts: Mapping[Memory, Draft]) -> None:
    """In one statement, so that each version is raised once."""
    rows = {memory.pk: _columns(memory, draft) for memory, draft in drafts.items()}
    columns: dict[str, dict[Any, Any]] = {}
    for pk, row in rows.items():
        for name, value in row.items():
            columns.setdefault(name, {})[pk] = value
    values = {name: _by_row(name, column) for name, column in columns.items()}
    Memory.objects.filter(pk__in=rows).update(**values)


def _columns(memory: Memory, draft: Draft) -> dict[str, Any]:
    columns = {name: getattr(draft, name) for name in KEPT_AS if name != "content"}
    columns |= asdict(draft.terms)
    given = draft.categories is not None or memory.categories_given
    columns |= {"updated_at": timezone.now(), "categories_given": given}
    if draft.created_at != memory.created_at:
        columns["words"] = search_vector(draft.content, draft.created_at)
    return columns


def _by_row(name: str, values: Mapping[Any, Any]) -> Any:
    field: Any = Memory._meta.get_field(name)
    first, *others = values.values()
    if not isinstance(first, Func) and all(_is_same(first, other) for other in others):
        return first
    cases = [
        When(pk=pk, then=value if isinstance(value, Func) else Value(value, field))
        for pk, value in values.items()
    ]
    return Case(*cases, default=F(name), output_field=field)


def _find_changes(memory: Memory, draft: Draft) -> dict[str, Any]:
    """What a revision keeps of a memory, without its categories."""
    before = {
        kept: getattr(memory, name)
        for name, kept in KEPT_AS.items()
        if not _is_same(getattr(memory, name), getattr(draft, name))
    }
    terms = _changed_terms(memory.terms, draft.terms)
    return {**before, "terms": show_terms(terms)} if terms else before


def _save(memory: Memory, draft: Draft) -> None:
    for name in KEPT_AS:
        setattr(memory, name, getattr(draft, name))
    for name, value in asdict(draft.terms).items():
        setattr(memory, name, value)
    memory.fingerprint = fingerprint(memory.content)
    memory.words = search_vector(memory.content, memory.created_at)
    memory.updated_at = timezone.now()
    memory.words_version = WORDS_VERSION
    memory.save(update_fields=[*KEPT_AS, *TERMS, *DERIVED, "updated_at", "categories_given"])
    memory.version += 1  # as the database has just done


def _changed_terms(old: Terms, new: Terms) -> dict[str, Any]:
    """The terms that change, as they were before."""
    after = asdict(new)
    return {name: value for name, value in asdict(old).items() if value != after[name]}


def _is_same(old: Any, new: Any) -> bool:
    # In JSON, 1, 1.0 and true are not the same.
    return old == new and (not isinstance(old, dict) or _dump(old) == _dump(new))


def _dump(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
