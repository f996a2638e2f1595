"""What a person does to one memory, to the selected ones, or to all that match."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core import signing
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from accounts.models import User
from core.errors import Gone, Malformed
from memories.access.reader import Reader
from memories.lifecycle.revise import Edit
from memories.lifecycle.revise_many import revise_many
from memories.lifecycle.tag import add_category
from memories.lifecycle.undo import undo_change
from memories.models import State
from memories.models.memory import MemoryQuerySet
from memories.taxonomy import InvalidCategoryName, normalize_category_name

SALT = "pages.undo"
# Seconds in which a change can be taken back.
UNDO_AGE = 3600


class UndoExpired(Gone):
    """This can no longer be undone."""

    code = "undo_expired"


class UnknownChange(Malformed):
    """This is nothing that can be done to memories."""


@dataclass(frozen=True)
class Verb:
    """What can be done: its name, the question before, and what is said afterwards."""

    label: str | Promise
    # Each awaits its `count`, which chooses between singular and plural.
    question: Any
    outcome: Any
    state: State | None = None
    is_dangerous: bool = False


VERBS = {
    "pause": Verb(
        _("Pause"),
        ngettext_lazy("Pause %(count)d memory?", "Pause %(count)d memories?", "count"),
        ngettext_lazy("Paused %(count)d memory.", "Paused %(count)d memories.", "count"),
        State.PAUSED,
    ),
    "resume": Verb(
        _("Resume"),
        ngettext_lazy("Resume %(count)d memory?", "Resume %(count)d memories?", "count"),
        ngettext_lazy("Resumed %(count)d memory.", "Resumed %(count)d memories.", "count"),
        State.ACTIVE,
    ),
    "archive": Verb(
        _("Archive"),
        ngettext_lazy("Archive %(count)d memory?", "Archive %(count)d memories?", "count"),
        ngettext_lazy("Archived %(count)d memory.", "Archived %(count)d memories.", "count"),
        State.ARCHIVED,
    ),
    "delete": Verb(
        _("Delete"),
        ngettext_lazy("Delete %(count)d memory?", "Delete %(count)d memories?", "count"),
        ngettext_lazy("Deleted %(count)d memory.", "Deleted %(count)d memories.", "count"),
        State.DELETED,
        is_dangerous=True,
    ),
    "tag": Verb(
        _("Add to category"),
        ngettext_lazy(
            "Add %(count)d memory to the category?", "Add %(count)d memories to the category?",
            "count",
        ),
        ngettext_lazy(
            "Added %(count)d memory to the category.", "Added %(count)d memories to the category.",
            "count",
        ),
    ),
    "pin": Verb(
        _("Pin"),
        ngettext_lazy("Pin %(count)d memory?", "Pin %(count)d memories?", "count"),
        ngettext_lazy("Pinned %(count)d memory.", "Pinned %(count)d memories.", "count"),
    ),
    "unpin": Verb(
        _("Unpin"),
        ngettext_lazy("Unpin %(count)d memory?", "Unpin %(count)d memories?", "count"),
        ngettext_lazy("Unpinned %(count)d memory.", "Unpinned %(count)d memories.", "count"),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Done:
    count: int
    undo: str = ""  # the token that takes it back


def change_memories(
    name: str, memories: MemoryQuerySet, *, reader: Reader, by: User, category: str = ""
) -> Done:
    """Do it to these memories, all or none. Raises Malformed, and what `revise_many` does."""
    user = reader.user
    state = VERBS[name].state
    if state is not None:
        moment = timezone.now()
        count = memories.undeleted().change_state(state, by=by, moment=moment)
        return Done(count, _sign(user, moment, state) if count else "")
    if name == "tag":
        return Done(add_category(normal_category(category), memories, user=user, by=by))
    edit = Edit(metadata_patch={"pinned": True if name == "pin" else None})
    ids: Sequence[uuid.UUID] = list(memories.values_list("pk", flat=True))
    _matched, changed = revise_many(
        edit, ids=ids, filters=None, user=user, among=reader.memories(), by=by
    )
    return Done(changed)


def normal_category(name: str) -> str:
    """Raises Malformed."""
    try:
        return normalize_category_name(name)
    except InvalidCategoryName as error:
        raise Malformed(str(error) or InvalidCategoryName.__doc__, field="category") from error


def undo(token: str, *, reader: Reader, by: User) -> int:
    """Take a change back. Returns how many memories are as before. Raises UndoExpired."""
    try:
        signed = signing.loads(token, salt=SALT, max_age=UNDO_AGE)
    except signing.BadSignature as error:
        raise UndoExpired from error
    if signed["user"] != str(reader.user.pk):
        raise UndoExpired
    moment, state = datetime.fromisoformat(signed["moment"]), State(signed["state"])
    return undo_change(moment, state, among=reader.memories(), by=by)


def _sign(user: User, moment: datetime, state: State) -> str:
    values = {"user": str(user.pk), "moment": moment.isoformat(), "state": str(state)}
    return signing.dumps(values, salt=SALT)
