"""One of everything that a person can own, and everybody who might call about it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from io import BytesIO
from ipaddress import ip_address
from itertools import count
from typing import Any
from urllib.parse import urlencode
from zipfile import ZipFile

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.utils import timezone
from rest_framework.response import Response
from rest_framework.test import APIClient

from accounts.end_users import find_end_user, store_end_user
from accounts.models import ApiKey, User
from apps_registry.models import AccessRule, App
from configuration.models import Configuration
from jobs import files
from jobs.models import Job, State
from memories.change_log.run_name import name_run
from memories.models import Access, Category, LogLine, Memory, UserCategory
from tests.cast import Member

ADDRESSES = map(ip_address, count(int(ip_address("127.1.0.1"))))

# What of an owner's can stand in an address or a body, by the name that the schema gives it.
Ids = dict[str, str]


@dataclass(frozen=True)
class Caller:
    """Somebody with a key, or without one, who may say whose data they mean."""

    secret: str | None
    names: str | None = None

    def send(self, method: str, path: str, query: dict[str, Any], body: Any) -> Response:
        if self.names and isinstance(body, dict):
            body = {"user_id": self.names, **body}
        elif self.names:
            query = {"user_id": self.names, **query}
        # From an address of its own: so many without a good key are too many from one.
        client = APIClient(raise_request_exception=False, REMOTE_ADDR=str(next(ADDRESSES)))
        if self.secret:
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {self.secret}")
        address = f"/api/v1{path}?{urlencode(query)}"
        return client.generic(method, address, *_encoded(client, body))


def _encoded(client: APIClient, body: Any) -> tuple[Any, ...]:
    """A body with a file in it is a form, any other is JSON."""
    if isinstance(body, dict) and isinstance(body.get("file"), bytes):
        form = {**body, "file": SimpleUploadedFile("file", body["file"])}
        return client._encode_data(form, format="multipart")
    return () if body is None else client._encode_data(body, format="json")


@dataclass(frozen=True)
class World:
    owner: Member
    ids: Ids
    # A moment since the log began, and the sequence of a line written after it.
    log: Ids = field(default_factory=dict)

    def write_log(self) -> None:
        """Write the lines of the log, as the end of a transaction does, and one more change."""
        connection.check_constraints()
        self.log["moment"] = timezone.now().isoformat()
        Memory.objects.filter(pk=self.ids["memory_id"]).update(content="Our dog Rex fears thunder")
        connection.check_constraints()
        lines = LogLine.objects.of_user(self.owner.user).order_by("sequence")
        self.log["sequence"] = str(lines.values_list("sequence", flat=True).last())

    def owned(self) -> list[Any]:
        """All that a call could change of the owner's, or of everybody's."""
        user = self.owner.user
        memories = Memory.objects.owned_by(user)
        rules = AccessRule.objects.filter(app__owner=user)
        return [
            sorted(memories.values_list("pk", "content", "state", "actor")),
            sorted(App.objects.owned_by(user).values_list("pk", "is_active")),
            sorted(rules.values_list("pk", "effect")),
            sorted(ApiKey.objects.filter(user=user).values_list("pk", "revoked_at")),
            sorted(Job.objects.owned_by(user).values_list("pk", "state")),
            list(Configuration.objects.values()),
        ]

    def shown_in(self, answer: Response) -> bool:
        text = _text_of(answer.getvalue())
        return any(mark in text for mark in self.ids.values())


def _text_of(content: bytes) -> str:
    if not content.startswith(b"PK"):
        return content.decode()
    with ZipFile(BytesIO(content)) as archive:
        return archive.read("memories.json").decode()


def build(owner: Member, *, category: str = "animals") -> World:
    """Give somebody two related memories, an app that has read one, a rule, a key and jobs."""
    memory, other = related_pair(owner, category=category)
    said = {"actor": f"Actor {uuid.uuid4()}", "conversation": f"Conversation {uuid.uuid4()}"}
    Memory.objects.filter(pk=memory).update(**said, namespace="pets", own_key="rex")
    Memory.objects.filter(pk=other).update(namespace=said["conversation"], own_key="minka")
    app = App.objects.get(owner=owner.user, name="desk")
    Access.objects.create(memory_id=memory, app=app, access_type="search")
    # About all memories: so it bounds nothing, and the app is shown it.
    rule = AccessRule.objects.create(app=app, memory_id=None, effect="allow")
    key = owner.with_key(name="spare").key
    job = Job.objects.create(owner=owner.user, kind="import", app_name="desk")
    run = uuid.uuid4()
    name_run(run)
    ids = {
        "user_id": owner.user.user_id,
        "memory_id": memory,
        "app_id": app.pk,
        "rule_id": rule.pk,
        "category_id": UserCategory.objects.get(user=owner.user, category__name=category).pk,
        "key_id": key.pk,
        "job_id": job.pk,
        "run": run,
        "exporting_id": exported(owner).pk,
        **said,
    }
    return World(owner, {name: str(pk) for name, pk in ids.items()})


def exported(owner: Member) -> Job:
    """Give somebody a file to download, which names them."""
    job = Job(owner=owner.user, kind="export", app_name="desk", download_name="export.txt")
    job.state, job.finished_at = State.SUCCEEDED, timezone.now()
    job.download = files.store_upload(job, BytesIO(owner.user.user_id.encode()))
    job.save()
    return job


def related_pair(owner: Member, *, category: str = "animals") -> list[str]:
    """Give somebody two memories of one category, and return their ids."""
    texts = ["Our dog Rex is afraid of thunder", "Our cat Minka sleeps all day"]
    ids = [owner.remember(text, infer=False, app="desk")["id"] for text in texts]
    shared, _ = Category.objects.get_or_create(name=category)
    for memory in Memory.objects.filter(pk__in=ids):
        memory.add_categories([shared])
    return ids


def end_user_of(account: Member, name: str) -> Member:
    """An end user of an account, with a key of their own."""
    user = find_end_user(account.user, name)
    store_end_user(user)
    return Member(user, *ApiKey.objects.issue(user=user))


def callers_about_end_user(
    end_user: Member, account: Member, other_account: Member
) -> dict[str, Caller]:
    """Who calls about an end user of an account, by the heading of their column."""
    name = end_user.user.external_id
    naming = account.with_key(names_end_users=True).secret
    App.objects.create(owner=account.user, name="phone", is_active=False)
    paused = account.with_key(names_end_users=True, app_name="phone").secret
    return {
        "key of the end user": Caller(end_user.secret),
        "account, naming its end user": Caller(naming, names=name),
        "account, by ids": Caller(naming),
        "account, key of an app": Caller(
            account.with_key(names_end_users=True, app_name="desk").secret, names=name
        ),
        "account, key of a paused app": Caller(paused, names=name),
        "account, ordinary key": Caller(account.secret, names=name),
        "account, pinned key": Caller(account.with_key(is_pinned=True).secret, names=name),
        "other account, same name": Caller(
            other_account.with_key(names_end_users=True).secret, names=name
        ),
        "operator, naming the account": Caller(
            operator_with_end_users().secret, names=account.user.user_id
        ),
    }


def operator_with_end_users() -> Member:
    """An operator's key that names end users has an operator's rights no more."""
    user = User.objects.create_superuser("oscar")
    return Member(user, *ApiKey.objects.issue(user=user, names_end_users=True))


def callers(owner: Member, other: Member, operator: Member) -> dict[str, Caller]:
    """Who calls, by the heading of their column."""
    revoked = owner.with_key()
    revoked.key.revoke()
    App.objects.create(owner=owner.user, name="phone", is_active=False)
    expired = owner.with_key(expires_at=timezone.now() - timedelta(seconds=1))
    name = owner.user.user_id
    return {
        "no key": Caller(None),
        "revoked key": Caller(revoked.secret),
        "expired key": Caller(expired.secret),
        "read-only key": Caller(owner.with_key(scopes=["read"]).secret),
        "write-only key": Caller(owner.with_key(scopes=["write"]).secret),
        "key of an app": Caller(owner.with_key(app_name="desk").secret),
        "key of a paused app": Caller(owner.with_key(app_name="phone").secret),
        "other user, naming the owner": Caller(other.secret, names=name),
        "other user, by ids": Caller(other.secret),
        "owner": Caller(owner.secret),
        "operator, naming the owner": Caller(operator.secret, names=name),
        "operator, by ids": Caller(operator.secret),
    }
