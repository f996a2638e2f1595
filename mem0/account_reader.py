"""Search the memories of many users of one account at once."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from django.conf import settings
from django.db.models import Q

from accounts.models import User
from apps_registry.acting_app import get_acting_app
from core.errors import Malformed
from memories.access.reader import Reader
from memories.models.memory import MemoryQuerySet
from memories.search import Filters

from .filter_condition import Condition
from .tenant import Tenant


class SearchTooWide(Malformed):
    """The filters match too many memories for one search."""

    code = "search_too_wide"


@dataclass(frozen=True)
class AccountReader(Reader):
    """A reader of many users. `user` is none of them, so that no index of one user is used."""

    tenant: Tenant | None = None
    condition: Q = field(default_factory=Q)

    def memories(self) -> MemoryQuerySet:
        assert self.tenant is not None  # noqa: S101 - it has a default, as the base's fields do
        memories = self.tenant.memories().filter(self.condition)
        return memories if self.sees_expired else memories.unexpired()


def _get_user(tenant: Tenant, pk: uuid.UUID) -> User | None:
    return tenant.account if pk == tenant.account.pk else tenant.users().filter(pk=pk).first()


def reader_for(tenant: Tenant, condition: Condition, *, sees_expired: bool) -> Reader:
    """The reader of a search: of one user where only theirs can match, with their index.

    Raises SearchTooWide if the search would compare more memories than it may.
    """
    if condition.users is not None and len(condition.users) == 1:
        user = _get_user(tenant, *condition.users)
        if user is not None:
            app = get_acting_app(tenant.key, user=user)
            return Reader(user, app, tenant.key, sees_expired)
    nobody = User(owner=tenant.account, time_zone=tenant.account.time_zone)
    reader = AccountReader(
        nobody, None, tenant.key, sees_expired, tenant=tenant, condition=condition.q
    )
    limit = settings.MEM0_SEARCH_LIMIT
    if reader.memories().active().order_by()[: limit + 1].count() > limit:
        raise SearchTooWide(
            f"These filters match more than {limit:,} memories of several users. Name one "
            "`user_id`, or narrow them further."
        )
    return reader


def filters_for(condition: Condition, reader: Reader) -> Filters:
    """What is asked for beside whose memories are read: nothing, where only the user is named."""
    if condition.q == Q(user__in=[reader.user.pk]):
        return Filters()
    return Filters(condition=condition.q)
