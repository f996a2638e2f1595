"""Store memories of another server or product that have ids there. Twice changes nothing."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from django.db import IntegrityError
from django.db.models import QuerySet
from psycopg.errors import UniqueViolation

from accounts.models import ApiKey, User
from apps_registry.models import App
from core.errors import Conflict
from memories.change_log.run_name import send_no_webhooks
from memories.models import Categorization, Category, Memory

from .kept_categories import find_unkept
from .remember import NewMemory, StoredMemory
from .remember_many import remember_kept

# Of one transaction.
BATCH = 500

# If others store the same ids at the same moment.
ATTEMPTS = 3


class StoredMeanwhile(Conflict):
    """The same memories were stored during the import: import them again."""

    code = "stored_meanwhile"


@dataclass(frozen=True)
class ForeignMemory:
    """A memory that another server has by the id `new.pk`, and what categories it is in."""

    new: NewMemory
    categories: Sequence[str] = ()

    @property
    def pk(self) -> uuid.UUID:
        assert self.new.pk is not None  # noqa: S101 - see above
        return self.new.pk


@dataclass(frozen=True)
class Destination:
    """Whose memories these become. `users` are those among whom an id is known."""

    user: User
    by: User
    users: QuerySet[User]
    account: uuid.UUID
    key: ApiKey | None = None
    # The import, as the log names it: all of it can be taken back.
    run: uuid.UUID = field(default_factory=uuid.uuid4)

    @classmethod
    def of(cls, user: User, *, by: User, run: uuid.UUID) -> Destination:
        return cls(user, by, User.objects.filter(pk=user.pk), user.pk, run=run)


Note = Callable[[Mapping[uuid.UUID, uuid.UUID]], None]


def find_unknown(ids: Iterable[uuid.UUID], destination: Destination) -> dict[uuid.UUID, uuid.UUID]:
    """Find the ids that are not here yet, each with the one to store it by.

    An id that somebody else has, too, becomes another one: always the same.
    """
    others = {pk: uuid.uuid5(destination.account, str(pk)) for pk in ids}
    stored = Memory.objects.filter(pk__in=[*others, *others.values()])
    owned = set(stored.filter(user__in=destination.users).values_list("pk", flat=True))
    taken = set(stored.values_list("pk", flat=True)) - owned
    chosen = {pk: other if pk in taken else pk for pk, other in others.items()}
    return {pk: own for pk, own in chosen.items() if own not in owned and others[pk] not in owned}


def import_batch(
    rows: Sequence[tuple[ForeignMemory, App]], destination: Destination, *, note: Note | None = None
) -> int:
    """Store what is not known by its id, in one transaction. Returns how many. No id is repeated.

    What is of a category that the user does not keep is left out.

    `note` gets the ids with those that they were stored by, in this transaction. Raises
    StoredMeanwhile.
    """
    for attempt in range(ATTEMPTS):
        unknown = find_unknown([row.pk for row, _ in rows], destination)
        pending = [(row, app) for row, app in rows if row.pk in unknown]
        try:
            return _store(pending, unknown, destination, note)
        except IntegrityError as error:
            if not isinstance(error.__cause__, UniqueViolation):
                raise
            if attempt == ATTEMPTS - 1:
                raise StoredMeanwhile from error
    raise AssertionError("the last attempt returns or raises")


def _store(
    pending: Sequence[tuple[ForeignMemory, App]],
    ids: Mapping[uuid.UUID, uuid.UUID],
    destination: Destination,
    note: Note | None,
) -> int:
    user = destination.user
    wanted = [(row, app) for row, app in pending if not find_unkept(row.categories, user=user)]

    def categorize(stored: Sequence[StoredMemory]) -> None:
        send_no_webhooks()
        there = {each.memory.pk for each in stored}
        kept = [row for row, _ in wanted if ids[row.pk] in there]
        names = [*dict.fromkeys(name for row in kept for name in row.categories)]
        categories = Category.objects.get_or_create_by_name(names)
        links = {(ids[row.pk], categories[name].pk) for row in kept for name in row.categories}
        Categorization.objects.insert_many(sorted(links), user_id=user.pk)
        if note is not None:
            note({row.pk: ids[row.pk] for row in kept})

    news = [(replace(row.new, pk=ids[row.pk]), app) for row, app in wanted]
    origin = {"by": destination.by, "key": destination.key, "run": destination.run}
    return len(remember_kept(news, user=user, **origin, note=categorize))
