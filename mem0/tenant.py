"""Whose data the key of a Mem0 client reaches: its account's, and that of its end users."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.end_users import NAMELESS, find_end_user
from accounts.models import ApiKey, User
from apps_registry.acting_app import BoundToAnotherApp
from apps_registry.models import AccessRule, App, Effect
from core.errors import Malformed, NotAllowed
from memories.models import Memory
from memories.models.memory import MemoryQuerySet

# In place of a name: everybody, or everything, that has one.
WILDCARD = "*"


class PinnedToAnother(NotAllowed):
    """This key is pinned to its own user."""

    code = "key_pinned"


class ExpiredHidden(NotAllowed):
    """Apps are shown no expired memories. Use a key that is bound to no app."""

    code = "expired_hidden"


@dataclass(frozen=True)
class Tenant:
    """The account of a key. Its user's rights as an operator do not count here."""

    key: ApiKey

    @property
    def account(self) -> User:
        return self.key.user

    @property
    def is_pinned(self) -> bool:
        """Whether the key reaches its own user alone."""
        return self.key.is_pinned or self.account.owner_id is not None

    @property
    def org_id(self) -> str:
        return f"org_{self.account.pk.hex}"

    @property
    def project_id(self) -> str:
        return f"proj_{self.account.pk.hex}"

    def users(self) -> QuerySet[User]:
        own = Q(pk=self.account.pk)
        if self.is_pinned:
            return User.objects.filter(own)
        return User.objects.filter(own | Q(owner=self.account, is_active=True))

    def find_user(self, name: str | None) -> User:
        """Get the user of this name, who need not be stored yet: see `accounts.end_users`.

        Without a name it is the account's nameless end user, to whom belongs what only an agent
        remembers. Raises PinnedToAnother, Malformed and EndUserDeactivated.
        """
        own_names = (self.account.user_id, self.account.named_id)
        if name in own_names or (name is None and self.is_pinned):
            return self.account
        if self.is_pinned:
            raise PinnedToAnother
        return find_end_user(self.account, NAMELESS if name is None else name)

    def find_ids(self, names: Collection[str]) -> list[uuid.UUID]:
        """The ids of the users with these names; those that are not known have none.

        Raises PinnedToAnother.
        """
        own = {self.account.user_id, self.account.named_id}
        ids = [self.account.pk] if own & set(names) else []
        if self.is_pinned:
            if set(names) - own:
                raise PinnedToAnother
            return ids
        if not (foreign := set(names) - own):
            return ids
        others = self.account.end_users.filter(external_id__in=foreign, is_active=True)
        return ids + list(others.exclude(external_id=NAMELESS).values_list("pk", flat=True))

    def name_of(self, user: User) -> str | None:
        """How clients know a user; None for the nameless one."""
        return user.named_id or None

    def memories(self) -> MemoryQuerySet:
        """The memories that this key may read, in any state. An app reads no expired ones."""
        memories = Memory.objects.filter(user__in=self.users()).reached_by(self.key)
        if not self.key.app_name:
            return memories
        return memories.filter(_readable_by(self.key.app_name)).unexpired()

    def require_seeing_expired(self) -> None:
        """Raises ExpiredHidden for an app."""
        if self.key.app_name:
            raise ExpiredHidden

    def require_app(self, name: str | None) -> None:
        """Raises BoundToAnotherApp if the key is bound to another app than this one."""
        if self.key.app_name and name not in (None, self.key.app_name):
            raise BoundToAnotherApp(f"This key is bound to the app {self.key.app_name!r}.")

    def require_whole_account(self) -> None:
        """Raises BoundToAnotherApp and PinnedToAnother for what concerns all users and apps."""
        self.require_unbound()
        if self.is_pinned:
            raise PinnedToAnother("This key is pinned to its own user. Use a key that is not.")

    def require_unbound(self) -> None:
        """Raises BoundToAnotherApp for what is more than one app's business."""
        if self.key.app_name:
            raise BoundToAnotherApp("This key is bound to an app. Use a key that is not.")


def _readable_by(app_name: str) -> Q:
    """What the rules of each user's app of this name let it read. A paused one reads nothing."""
    apps = App.objects.filter(owner=OuterRef("user"), name=app_name)
    rules = AccessRule.objects.filter(app__owner=OuterRef("user"), app__name=app_name)
    denying, allowing = rules.filter(effect=Effect.DENY), rules.filter(effect=Effect.ALLOW)
    named = allowing.filter(memory_id__isnull=False)
    is_denied = Exists(denying.filter(Q(memory_id=None) | Q(memory_id=OuterRef("pk"))))
    return (
        ~Q(Exists(apps.filter(is_active=False)))
        & ~Q(is_denied)
        & (~Q(Exists(named)) | Q(Exists(named.filter(memory_id=OuterRef("pk")))))
    )


def parse_id(text: object) -> uuid.UUID:
    """Read the id of a memory. Raises Malformed."""
    try:
        return uuid.UUID(text) if isinstance(text, str) else uuid.UUID("")
    except ValueError:
        raise Malformed("memory_id should be a valid UUID.", field="memory_id") from None
