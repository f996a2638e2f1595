"""The queryset of memories: what can be said of a set of them, and done with it."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.db.models import Exists, F, Func, IntegerField, OuterRef, Q, Subquery, TextField, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Lower

from accounts.models import ApiKey, User
from apps_registry.models import AccessRule, App
from core import clock
from core.errors import Conflict, NotFound
from core.sql import uuid_array
from memories.own_keys import SEPARATOR, Address
from memories.taxonomy import fold_category_name

from .categorization import Categorization
from .fingerprint import fingerprint, spellings
from .state import LIVE, State
from .state_change import StateChange
from .terms import TERMS

if TYPE_CHECKING:
    from .memory import Memory

# The columns that a response shows.
SHOWN = [
    "user", "app__name", "content", "metadata", "actor", "conversation", "agent_id", "state",
    "created_at", "updated_at", "namespace", "own_key",
    "superseded_by", "categories_given", "version", *TERMS,
]  # fmt: skip


class MemoryNotFound(NotFound):
    """Memory not found."""

    code = "memory_not_found"


class MemoryDeleted(Conflict):
    """A deleted memory cannot be edited."""

    code = "memory_deleted"


class MemoryExpired(Conflict):
    """This memory has expired. Send `expires_at`, a later time or null, to bring it back."""

    code = "memory_expired"


class MemoryImmutable(Conflict):
    """This memory cannot be edited or superseded until its user sets `immutable` to false."""

    code = "memory_immutable"


class MemoryQuerySet(models.QuerySet["Memory"]):
    # The app that these are `shown_to`. None for a user, who is shown all links.
    reading_app: App | None = None
    # The key by which these are reached. Their histories name it.
    key: ApiKey | None = None

    def _clone(self) -> MemoryQuerySet:
        clone: MemoryQuerySet = super()._clone()  # type: ignore[misc]
        clone.reading_app, clone.key = self.reading_app, self.key
        return clone

    def owned_by(self, user: User) -> MemoryQuerySet:
        return self.filter(user=user)

    def active(self) -> MemoryQuerySet:
        return self.filter(state=State.ACTIVE)

    def readable_by(self, app: App | None) -> MemoryQuerySet:
        """Keep what the access rules let an app read. A user without an app reads everything."""
        if app is None:
            return self
        return self.filter(AccessRule.objects.condition_for(app.pk)).shown_to(app)

    def shown_to(self, app: App | None) -> MemoryQuerySet:
        """Name no memories in these that the app may not read, whether or not it may read these."""
        memories = self.all()
        memories.reading_app = app
        return memories

    def reached_by(self, key: ApiKey | None) -> MemoryQuerySet:
        """Name this key in the history of what is changed in these."""
        memories = self.all()
        memories.key = key and key.stored()
        return memories

    def managed(self, *, archived: bool = False) -> MemoryQuerySet:
        """Keep active and paused memories, and archived ones if asked for."""
        states = [*LIVE, *([State.ARCHIVED] if archived else [])]
        return self.filter(state__in=states)

    def undeleted(self) -> MemoryQuerySet:
        return self.exclude(state=State.DELETED)

    def unexpired(self) -> MemoryQuerySet:
        """Keep the memories that have not expired at this moment."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=clock.now()))

    def expired_before(self, moment: datetime) -> MemoryQuerySet:
        return self.filter(expires_at__lt=moment)

    def valid_at(self, moment: datetime) -> MemoryQuerySet:
        """Keep the memories whose content is valid at a moment."""
        begun = Q(valid_from=None) | Q(valid_from__lte=moment)
        return self.filter(begun, Q(valid_until=None) | Q(valid_until__gt=moment))

    def deleted_before(self, moment: datetime) -> MemoryQuerySet:
        return self.filter(state=State.DELETED, state_changed_at__lt=moment)

    def created_between(self, first: datetime | None, last: datetime | None) -> MemoryQuerySet:
        """Keep memories created from `first` to the end of the second that starts at `last`."""
        memories = self if first is None else self.filter(created_at__gte=first)
        if last is not None:
            memories = memories.filter(created_at__lt=last + timedelta(seconds=1))
        return memories

    def containing(self, text: str) -> MemoryQuerySet:
        """Keep memories whose content contains a text, ignoring case, accents and width."""
        folded = Func(F("content"), function="memories_fold", output_field=TextField())
        part = Func(Value(text), function="memories_fold", output_field=TextField())
        return self.alias(folded_content=folded).filter(folded_content__contains=part)

    def in_categories(self, names: Collection[str]) -> MemoryQuerySet:
        """Keep memories in any of these categories, ignoring case."""
        return self._categorized(category__name__in=[fold_category_name(name) for name in names])

    def in_categories_by_id(
        self, ids: Collection[uuid.UUID] | models.QuerySet[Any]
    ) -> MemoryQuerySet:
        return self._categorized(category__in=ids)

    def _categorized(self, **category: Any) -> MemoryQuerySet:
        categorizations = Categorization.objects.filter(
            memory=OuterRef("pk"), user=OuterRef("user"), **category
        )
        return self.filter(Exists(categorizations))

    def said_by(self, actors: Collection[str]) -> MemoryQuerySet:
        """Keep what any of these actors said, ignoring case."""
        lowered = [Lower(Value(actor)) for actor in sorted(spellings(actors))]
        return self.alias(said_by=Lower("actor")).filter(said_by__in=lowered)

    def in_conversations(self, names: Collection[str]) -> MemoryQuerySet:
        return self.filter(conversation__in=spellings(names))

    def at_address(self, address: Address) -> MemoryQuerySet:
        """Keep the memory with this key of its own, whatever its state."""
        return self.filter(namespace=address.namespace, own_key=address.own_key).exclude(own_key="")

    def in_namespace(self, namespace: str) -> MemoryQuerySet:
        """Keep the memories whose keys are in this namespace, or in one below it."""
        below = Q(namespace__startswith=namespace + SEPARATOR)
        return self.filter(Q(namespace=namespace) | below, ~Q(own_key=""))

    def in_order_of(self, ids: Sequence[uuid.UUID]) -> MemoryQuerySet:
        """Keep the memories with these ids, in the order of the ids."""
        array = Value(list(ids), ArrayField(models.UUIDField()))
        position = Func(array, F("pk"), function="array_position", output_field=IntegerField())
        return self.filter(pk__in=ids).order_by(position)

    def same_as(self, content: str) -> MemoryQuerySet:
        """Keep the active memories with this text: beside any other one it is stored again.

        Also beside one with its own key, which can be replaced by another text.
        """
        return self.active().filter(fingerprint=fingerprint(content), own_key="")

    def with_relations(self) -> MemoryQuerySet:
        """Load exactly what a response shows of each memory, in one query.

        Linked are only memories that the app which these are `shown_to`, if any, may read.
        """
        others = self.model.objects.readable_by(self.reading_app)
        if self.reading_app is not None:
            others = others.unexpired()
        newer = others.filter(pk=OuterRef("superseded_by")).values("pk")
        older = others.filter(superseded_by=OuterRef("pk")).order_by("created_at", "pk")
        names = Categorization.objects.filter(memory=OuterRef("pk")).order_by("category__name")
        return (
            self.select_related("app")
            .only(*SHOWN)
            .annotate(
                category_names=ArraySubquery(names.values("category__name")),
                supersedes_ids=ArraySubquery(older.values("pk")),
                superseding_id=Subquery(newer) if self.reading_app else F("superseded_by"),
            )
        )

    def one(self, pk: uuid.UUID) -> Memory:
        """Get one of these memories. Raises MemoryNotFound."""
        try:
            return self.get(pk=pk)
        except self.model.DoesNotExist:
            raise MemoryNotFound from None

    def get_at(self, address: Address) -> Memory:
        """Get the memory with this key of its own. Raises MemoryNotFound."""
        try:
            return self.at_address(address).undeleted().unexpired().get()
        except self.model.DoesNotExist:
            raise MemoryNotFound from None

    def exactly(self, ids: Collection[uuid.UUID]) -> MemoryQuerySet:
        """Keep the memories of these ids. Raises MemoryNotFound, which lists what is missing."""
        # One parameter: with ten thousand, Django and PostgreSQL take as long as for the rest.
        memories = self.filter(pk__in=RawSQL("SELECT unnest(%s::uuid[])", [uuid_array(ids)]))
        if memories.count() < len(set(ids)):
            existing = set(memories.values_list("pk", flat=True))
            missing = [str(pk) for pk in ids if pk not in existing]
            listed = ", ".join(missing[:10]) + (" …" if len(missing) > 10 else "")
            raise MemoryNotFound(f"Memory not found: {listed}.")
        return memories

    def locked(self, *, no_key: bool = False) -> MemoryQuerySet:
        """Lock these rows in the order of ids, against deadlocks. `no_key` permits references."""
        return self.select_for_update(of=("self",), no_key=no_key).order_by("pk")

    def change_state(
        self,
        state: State,
        *,
        by: User | None,
        reason: str = "",
        superseded_by: Memory | None = None,
        moment: datetime | None = None,
    ) -> int:
        """Change the state of those in another one, write their history, and return their number.

        This is the only way to change a state. `by` is None for a policy whose author is gone. The
        history names the key and the app that these are reached by. A memory that becomes live
        again is no longer superseded. With its `moment`, a change can be taken back.
        """
        # Locked, so that each of two concurrent changes records the state that it really changed.
        changing = self.exclude(state=state).locked()
        with transaction.atomic():
            return StateChange.objects.apply(
                changing,
                state,
                by=by,
                reason=reason,
                key=self.key,
                app=self.reading_app,
                superseded_by=superseded_by,
                moment=moment,
            )

    def supersede_by(self, memory: Memory, *, by: User, reason: str) -> None:
        """Archive these memories and link each to the memory that replaces it.

        Those that were archived before are linked as well.
        """
        ids = list(self.values_list("pk", flat=True))
        superseded = self.model.objects.filter(pk__in=ids).exclude(superseded_by=memory)
        with transaction.atomic():
            StateChange.objects.apply(
                superseded.locked(),
                State.ARCHIVED,
                by=by,
                reason=reason,
                key=self.key,
                app=memory.app,
                superseded_by=memory,
            )
            superseded.update(superseded_by=memory)
