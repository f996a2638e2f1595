"""The entities of an account: which users, agents, apps and runs its clients have named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Count, Q

from accounts.end_users import NAMELESS
from accounts.models import User
from apps_registry.acting_app import DEFAULT_APP
from core.errors import NotFound
from memories.models.memory import MemoryQuerySet

from .models import Entity, EntityKind
from .tenant import Tenant

KIND_OF = {
    "user_id": EntityKind.USER,
    "agent_id": EntityKind.AGENT,
    "app_id": EntityKind.APP,
    "run_id": EntityKind.RUN,
}

# The column of a memory that names an entity, and the name where there is none.
COLUMNS = {
    EntityKind.USER: "user",
    EntityKind.AGENT: "agent_id",
    EntityKind.APP: "app__name",
    EntityKind.RUN: "conversation",
}


class EntityNotFound(NotFound):
    """Entity not found."""

    code = "entity_not_found"


def register_entities(tenant: Tenant, named: Mapping[str, str], *, user: User) -> None:
    """Note that a memory names these: they exist from now on."""
    rows = [
        Entity(
            account=tenant.account,
            kind=KIND_OF[field],
            name=name,
            user=user if field == "user_id" else None,
        )
        for field, name in sorted(named.items())
    ]
    Entity.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["account", "kind", "name"],
        update_fields=["updated_at"],
    )


def register_known_users(tenant: Tenant) -> None:
    """Note the end users who have memories that came through other doors."""
    if tenant.is_pinned:
        return
    known = Entity.objects.filter(account=tenant.account, kind=EntityKind.USER)
    others = (
        tenant.users()
        .filter(owner=tenant.account)
        .exclude(external_id=NAMELESS)
        .exclude(pk__in=known.filter(user__isnull=False).values("user"))
        .filter(memories__in=tenant.memories().undeleted())
        .distinct()
    )
    rows = [
        Entity(
            account=tenant.account,
            kind=EntityKind.USER,
            name=user.external_id,
            user=user,
            created_at=user.created_at,
        )
        for user in others
    ]
    Entity.objects.bulk_create(rows, ignore_conflicts=True)


def find_entities(tenant: Tenant) -> Any:
    """The entities that this key reaches, in a total order.

    Those of an app are named by a memory that it may read: names tell of the others.
    """
    entities = Entity.objects.filter(account=tenant.account).select_related("user")
    if tenant.is_pinned:
        entities = entities.exclude(~Q(user=tenant.account), kind=EntityKind.USER)
    if tenant.key.app_name:
        entities = entities.filter(_named_by(tenant.memories()))
    return entities.order_by("-created_at", "kind", "name")


def _named_by(memories: MemoryQuerySet) -> Q:
    names = {kind: column for kind, column in COLUMNS.items() if kind != EntityKind.USER}
    named = [
        Q(kind=kind, name__in=memories.order_by().values(column)) for kind, column in names.items()
    ]
    users = memories.order_by().values("user")
    # The row of the account itself may name no user.
    own = Q(user=None, account__in=users)
    return reduce(or_, named, Q(kind=EntityKind.USER) & (Q(user__in=users) | own))


def get_entity(tenant: Tenant, kind: str, name: str) -> Entity:
    """Raises EntityNotFound."""
    register_known_users(tenant)
    entity = find_entities(tenant).filter(kind=kind, name=name).first()
    if entity is None:
        raise EntityNotFound(f"There is no {kind} {name!r}.")
    found: Entity = entity
    return found


def memories_of(tenant: Tenant, entity: Entity) -> MemoryQuerySet:
    """The memories of an entity, in any state."""
    memories = tenant.memories()
    if entity.kind == EntityKind.USER:
        return memories.filter(user__in=tenant.find_ids([entity.name]))
    return memories.filter(**{COLUMNS[EntityKind(entity.kind)]: entity.name})


def show_entities(tenant: Tenant, entities: Iterable[Entity]) -> list[dict[str, Any]]:
    entities = list(entities)
    counts = _count_memories(tenant, entities)
    return [
        {
            "id": entity.pk,
            "name": entity.name,
            "type": entity.kind,
            "created_at": entity.created_at.isoformat(),
            "updated_at": entity.updated_at.isoformat(),
            "owner": tenant.account.user_id,
            "metadata": {},
            "total_memories": counts[entity.kind, entity.name],
        }
        for entity in entities
    ]


def _count_memories(tenant: Tenant, entities: list[Entity]) -> Counter[tuple[str, str]]:
    """Count the active memories of each, with one query for each kind."""
    active = tenant.memories().active().unexpired().order_by()
    counts: Counter[tuple[str, str]] = Counter()
    for kind, column in COLUMNS.items():
        names = [entity.name for entity in entities if entity.kind == kind]
        if not names:
            continue
        by_id = {entity.user_id: entity.name for entity in entities if entity.user_id}
        is_user = kind == EntityKind.USER
        among = active.filter(**{f"{column}__in": by_id if is_user else names})
        for value, number in among.values_list(column).annotate(Count("pk")):
            counts[kind, by_id[value] if is_user else value] += number
    return counts


def app_entity(name: str | None) -> str | None:
    """The name of an app as an entity: the one that stands for none is none."""
    return None if name == DEFAULT_APP else name
