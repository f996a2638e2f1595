"""What an erasure removes: the rows, files and sessions of a user and of their end users."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Collection, Iterator

from django.db.models import Q, QuerySet

from accounts.models import ApiKey, KeptAnswer, PersonSession, SignInLink, User
from apps_registry.models import AccessRule, App
from jobs.models import Job
from jobs.models.job import JobQuerySet
from mem0.models import Delivery, Entity, Event, Export, Feedback, Profile, Project, Webhook
from memories.models import (
    Access,
    ArchivePolicy,
    Categorization,
    Embedding,
    FirstAccess,
    Memory,
    Revision,
    StateChange,
    UserCategory,
    UserIndex,
)
from oauth.models import AuthorizationCode, Connection

from . import personal_data

# The job type of an erasure.
ERASE_NAME = "erase"

# End users that are erased at once.
GROUP_SIZE = 500


def get_belongings(users: Collection[User]) -> dict[str, QuerySet]:
    """The rows that belong to users, by model name."""
    return {
        "Memory": Memory.objects.filter(user__in=users),
        "Embedding": Embedding.objects.filter(user__in=users),
        "Categorization": Categorization.objects.filter(user__in=users),
        "UserCategory": UserCategory.objects.filter(user__in=users),
        "StateChange": StateChange.objects.filter(memory__user__in=users),
        "Revision": Revision.objects.filter(memory__user__in=users),
        "Access": Access.objects.filter(memory__user__in=users),
        "FirstAccess": FirstAccess.objects.filter(memory__user__in=users),
        "App": App.objects.filter(owner__in=users),
        "AccessRule": AccessRule.objects.filter(app__owner__in=users),
        "ArchivePolicy": ArchivePolicy.objects.filter(user__in=users),
        "UserIndex": UserIndex.objects.filter(user__in=users),
        "Connection": Connection.objects.filter(key__user__in=users),
        "AuthorizationCode": AuthorizationCode.objects.filter(user__in=users),
        "ApiKey": ApiKey.objects.filter(user__in=users),
        "KeptAnswer": KeptAnswer.objects.about(users),
        "PersonSession": PersonSession.objects.filter(user__in=users),
        "SignInLink": SignInLink.objects.filter(user__in=users),
        "Entity": Entity.objects.filter(Q(account__in=users) | Q(user__in=users)),
        "Event": Event.objects.filter(Q(account__in=users) | Q(user__in=users)),
        "Project": Project.objects.filter(account__in=users),
        "Webhook": Webhook.objects.filter(account__in=users),
        "Delivery": find_deliveries(users),
        "Export": find_exports(users),
        "Profile": Profile.objects.filter(user__in=users),
        "Feedback": Feedback.objects.filter(memory__user__in=users),
        "Job": find_jobs(users),
        "User": User.objects.filter(pk__in=[user.pk for user in users]),
    }


def count_belongings(user: User) -> Counter[str]:
    """Count what an erasure would remove: of the user, and of their end users."""
    counts: Counter[str] = Counter()
    for users in [[user], *end_user_groups(user)]:
        rows_by_name = get_belongings(users)
        counts += Counter({name: rows.count() for name, rows in rows_by_name.items()})
    counts["sessions"] += len(personal_data.find_sessions([user]))
    counts["backups"] += len(personal_data.find_backups([user]))
    for users in end_user_groups(user):
        counts["backups"] += len(personal_data.find_backups(users))
    return counts


def end_user_groups(account: User) -> Iterator[list[User]]:
    """The end users of an account, in groups of GROUP_SIZE."""
    end_users = User.objects.filter(owner=account).order_by("pk")
    last = uuid.UUID(int=0)
    while group := list(end_users.filter(pk__gt=last)[:GROUP_SIZE]):
        yield group
        last = group[-1].pk


def find_deliveries(users: Collection[User]) -> QuerySet[Delivery]:
    """The messages of users' webhooks, and those about their memories."""
    return Delivery.objects.filter(Q(webhook__account__in=users) | Q(user__in=users))


def find_exports(users: Collection[User]) -> QuerySet[Export]:
    """What was made of users' memories."""
    pks = [user.pk for user in users]
    return Export.objects.filter(Q(account__in=pks) | Q(users__overlap=pks))


def find_jobs(users: Collection[User]) -> JobQuerySet:
    """The jobs of users, and those that others started about them."""
    pks = [str(user.pk) for user in users]
    about_users = Q(owner__in=pks) | Q(parameters__user__in=pks)
    return Job.objects.filter(about_users).exclude(kind=ERASE_NAME)
