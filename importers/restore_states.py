"""Give imported memories the states that they had."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping

from accounts.models import User
from memories.lifecycle.import_batch import Destination
from memories.models import Memory, State

from .source import Kept


def restore_states(
    ids: Mapping[uuid.UUID, uuid.UUID], kept: Mapping[uuid.UUID, Kept], by: User
) -> None:
    """Change the states of memories that were just stored, in their transaction.

    Their times are those of the file, not of the change.
    """
    groups: dict[State, list[uuid.UUID]] = defaultdict(list)
    for pk, own in kept.items():
        if pk in ids and own.state != State.ACTIVE:
            groups[own.state].append(ids[pk])
    for state, pks in groups.items():
        former = list(Memory.objects.filter(pk__in=pks).only("updated_at", "state_changed_at"))
        Memory.objects.filter(pk__in=pks).change_state(state, by=by)
        Memory.objects.bulk_update(former, ["updated_at", "state_changed_at"])


def restore_keys(
    ids: Mapping[uuid.UUID, uuid.UUID], kept: Mapping[uuid.UUID, Kept], user: User
) -> None:
    """Give memories that were just stored their own keys, unless others have these here."""
    wanted = {pk: own.address for pk, own in kept.items() if pk in ids and own.address}
    if not wanted:
        return
    holders = Memory.objects.filter(user=user, own_key__in=[it.own_key for it in wanted.values()])
    taken = set(holders.values_list("namespace", "own_key"))
    for pk, address in wanted.items():
        if (address.namespace, address.own_key) not in taken:
            taken.add((address.namespace, address.own_key))
            memories = Memory.objects.filter(pk=ids[pk])
            memories.update(namespace=address.namespace, own_key=address.own_key)


def restore_successors(links: Mapping[uuid.UUID, uuid.UUID], destination: Destination) -> None:
    """Link memories that were just stored to those that replaced them, where these are here.

    `links` are from the ids here to those in the file.
    """
    others = {newer: uuid.uuid5(destination.account, str(newer)) for newer in links.values()}
    own = Memory.objects.filter(user=destination.user)
    candidates = own.filter(pk__in=[*others, *others.values()])
    here = set(candidates.values_list("pk", flat=True))
    for pk, newer in links.items():
        successor = newer if newer in here else others[newer]
        if successor in here and successor != pk:
            own.filter(pk=pk, state=State.ARCHIVED).update(superseded_by=successor)
