"""Edit a memory: its text, metadata, categories, attribution and terms."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any

from accounts.models import User
from apps_registry.models import App
from configuration import effective
from core.errors import Malformed, NotAllowed
from core.merge_patch import apply_merge_patch
from core.transactions import change
from memories.access.shown import load_shown
from memories.limits import MAX_CATEGORIES, MAX_METADATA_BYTES
from memories.models import (
    Category,
    Memory,
    MemoryDeleted,
    MemoryExpired,
    MemoryImmutable,
    MemoryNotFound,
    State,
    UserCategory,
)
from memories.models.memory import MemoryQuerySet
from memories.models.terms import TERMS
from memories.vectors.embed import EmbeddedTexts, embed_texts

from .attribution import actor_after_edit
from .guidance import Guidance
from .inference_jobs import CATEGORIZE, enqueue_for
from .kept_categories import require_kept
from .rewrite import Draft, rewrite_memory
from .states import Precondition
from .turns import is_known_speaker


class MetadataTooLarge(Malformed):
    """The metadata would be too large."""

    code = "too_large"


class TooManyCategories(Malformed):
    """The user would have too many categories."""

    code = "too_many_categories"


@dataclass(frozen=True)
class Edit:
    """What to change of a memory, within the limits of `memories.limits`. None: leave it.

    An empty actor or conversation is an unknown one. `metadata` replaces that of the memory;
    `metadata_patch` is merged into it as in RFC 7396. Given categories, unlike those that a model
    assigns, stay until the text is edited without any. `terms` names those to change, with
    their new values: None removes a time.
    """

    text: str | None = None
    metadata: Mapping[str, Any] | None = None
    metadata_patch: Mapping[str, Any] | None = None
    categories: Sequence[str] | None = None
    actor: str | None = None
    conversation: str | None = None
    said_at: datetime | None = None
    terms: Mapping[str, Any] = field(default_factory=dict)

    @property
    def unlocks(self) -> bool:
        """Whether it permits edits from now on."""
        return self.terms.get("immutable") is False

    @property
    def names_content(self) -> bool:
        """Whether it names anything but `immutable`."""
        others = self.terms.keys() - {"immutable"}
        named = [getattr(self, each.name) is not None for each in fields(self)[:-1]]
        return bool(others) or any(named)


class OnlyUserUnlocks(NotAllowed):
    """Only the user can make an immutable memory editable, with a key that is bound to no app."""

    code = "only_user_unlocks"


def revise(
    pk: uuid.UUID,
    edit: Edit,
    *,
    among: MemoryQuerySet,
    by: User,
    precondition: Precondition | None = None,
    reactivates: bool = False,
) -> Memory:
    """Edit a memory, all at once. What it was before stays in its history.

    An edited text is embedded and categorized again; where a language model is configured, a job
    assigns the categories. An edit that changes nothing writes nothing.

    An expired memory is edited only together with its `expires_at`, and an immutable one only once
    its user, reading as no app, has made it editable. With `reactivates`, an archived one becomes
    active.

    Raises MemoryNotFound when the memory is not in `among`, MemoryDeleted, MemoryExpired,
    MemoryImmutable, OnlyUserUnlocks, NeverValid, MetadataTooLarge, TooManyCategories and NotKept.
    The precondition holds when the edit is made, or its error is raised.
    """
    embedded, assigned = None, None
    while True:
        memory = _get_editable(among, pk, edit, precondition)
        if edit.text is not None and edit.text != memory.content and embedded is None:
            embedded = embed_texts([edit.text])
            assigned = categories_after_edit(edit, embedded.category_names()[0], user=memory.user)
        with change():
            # Locked before it is read: it may have been edited or deleted while the model ran.
            if not among.filter(pk=pk).locked(no_key=True).values_list("pk"):
                raise MemoryNotFound
            user, memory = memory.user, _get_editable(among, pk, edit, precondition, is_locked=True)
            memory.user = user
            is_embedded = embedded is not None or edit.text in (None, memory.content)
            if is_embedded:
                _apply(edit, memory, embedded, assigned=assigned, among=among, by=by)
                if reactivates and memory.state == State.ARCHIVED:
                    among.filter(pk=pk).change_state(State.ACTIVE, by=by)
                    memory = Memory.objects.shown_to(among.reading_app).with_relations().one(pk)
                return memory


def _apply(
    edit: Edit,
    memory: Memory,
    embedded: EmbeddedTexts | None,
    *,
    assigned: Sequence[str] | None,
    among: MemoryQuerySet,
    by: User,
) -> None:
    edits_text = edit.text is not None and edit.text != memory.content
    names = edit.categories
    if names is None and edits_text:
        names = assigned
    categories = None if names is None else Category.objects.get_or_create_many(names)
    draft = build_draft(edit, memory, categories)
    given = edit.categories is not None or (memory.categories_given and not edits_text)
    count = count_categories(memory.user) if edit.categories else 0
    is_given, memory.categories_given = memory.categories_given, given
    is_changed = rewrite_memory(
        memory, draft, embedded, by=by, key=among.key, app=among.reading_app
    )
    if not is_changed and given != is_given:
        Memory.objects.filter(pk=memory.pk).update(categories_given=given)
    if edit.categories:
        require_few_categories(memory.user, before=count)
    if edits_text and edit.categories is None and calls_model(memory.user):
        enqueue_for(memory, CATEGORIZE, Guidance())


def categories_after_edit(
    edit: Edit, assigned: Sequence[str], *, user: User
) -> Sequence[str] | None:
    """The categories of an edited text. None: it stays in those that it is in. Raises NotKept."""
    require_kept(assigned, user=user)
    return assigned if user.infer and edit.categories is None else None


def calls_model(user: User) -> bool:
    """Whether a language model categorizes what is edited."""
    return user.infer and not effective.current_settings().llm.is_local


def build_draft(edit: Edit, memory: Memory, categories: Sequence[Category] | None) -> Draft:
    """What an edit makes of a memory. Raises MetadataTooLarge and NotKept."""
    if edit.categories:
        require_kept(set(edit.categories) - set(memory.category_names), user=memory.user)
    return Draft(
        content=memory.content if edit.text is None else edit.text,
        metadata=_edited_metadata(edit, memory),
        actor=_edited_actor(edit, memory),
        conversation=memory.conversation if edit.conversation is None else edit.conversation,
        created_at=edit.said_at or memory.created_at,
        terms=replace(memory.terms, **edit.terms),
        categories=categories,
    )


def _edited_metadata(edit: Edit, memory: Memory) -> dict[str, Any]:
    """Raises MetadataTooLarge."""
    metadata = memory.metadata if edit.metadata is None else dict(edit.metadata)
    if edit.metadata_patch is None:
        return metadata
    merged: dict[str, Any] = apply_merge_patch(metadata, edit.metadata_patch)
    text = json.dumps(merged, ensure_ascii=False, separators=(",", ":"))
    if len(text.encode()) > MAX_METADATA_BYTES:
        raise MetadataTooLarge(
            f"With these, the metadata would have more than {MAX_METADATA_BYTES} bytes. Remove "
            "keys by sending null for them.",
            field="metadata",
        )
    return merged


def _edited_actor(edit: Edit, memory: Memory) -> str:
    if edit.actor is not None:
        return edit.actor
    if edit.text is None:
        return memory.actor
    return actor_after_edit(
        memory.actor,
        before=memory.content,
        after=edit.text,
        is_known=lambda name: is_known_speaker(name, user=memory.user, app=memory.app),
    )


def count_categories(user: User) -> int:
    return UserCategory.objects.filter(user=user).count()


def require_few_categories(user: User, *, before: int) -> None:
    """Raises TooManyCategories if an edit has given the user another one above the limit."""
    if count_categories(user) > max(before, MAX_CATEGORIES):
        raise TooManyCategories(
            f"With these, the user would have more than {MAX_CATEGORIES} categories.",
            field="categories",
        )


def _get_editable(
    among: MemoryQuerySet,
    pk: uuid.UUID,
    edit: Edit,
    precondition: Precondition | None,
    *,
    is_locked: bool = False,
) -> Memory:
    """Of one that is locked, it is known that it is among these."""
    if is_locked:
        memory = load_shown(pk, app=among.reading_app)
    elif precondition is None:
        memory = among.select_related("user").only("content", "state", "user", *TERMS).one(pk)
    else:
        memory = among.with_relations().select_related("user").one(pk)
    require_editable(memory, edit, app=among.reading_app)
    if precondition is not None:
        precondition(memory)
    return memory


def require_editable(memory: Memory, edit: Edit, *, app: App | None) -> None:
    """Raises MemoryDeleted, MemoryExpired, MemoryImmutable, OnlyUserUnlocks and NeverValid.

    `app` is the one that edits it, None for a user.
    """
    if memory.state == State.DELETED:
        raise MemoryDeleted(f"{MemoryDeleted.__doc__} It is {memory.pk}.")
    if memory.is_expired and "expires_at" not in edit.terms:
        raise MemoryExpired(f"{MemoryExpired.__doc__} It is {memory.pk}.")
    if memory.immutable and edit.unlocks and app is not None:
        raise OnlyUserUnlocks
    if memory.immutable and not edit.unlocks and edit.names_content:
        raise MemoryImmutable(f"{MemoryImmutable.__doc__} It is {memory.pk}.")
    replace(memory.terms, **edit.terms).require_order()
