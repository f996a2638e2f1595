"""Each cell of the table of pages in docs/authority.md, called with the cookies of a browser."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import Client

from accounts.models import ApiKey, PersonSession, SignInLink, User
from apps_registry.models import AccessRule, App
from backups.jobs import EXPORT
from jobs.models import Job
from memories.access.reader import Reader
from memories.models import Memory, Revision
from oauth.models import Connection, OAuthClient
from pages import urls
from pages.memory_change import change_memories
from pages.page_view import PageView
from tests.cast import Member

GUIDE = Path(settings.BASE_DIR) / "docs" / "authority.md"
MARKER = "The owner's own secret"
NEW = "a quite long new one"

# What a form sends. Others are sent empty.
FORMS: dict[str, dict[str, Any]] = {
    "POST /memories/new": {"text": "We go to the sea in June"},
    "POST /memories/{memory_id}/edit": {"text": "Rex", "etag": "x", "said_at": "2026-01-01T00:00"},
    "POST /memories/change": {"do": "delete", "ids": ["{memory_id}"]},
    "POST /memories/undo": {"token": "{undo}"},
    "POST /settings/password": {"new": NEW, "again": NEW},
    "POST /settings/time-zone": {"time_zone": "Asia/Tokyo"},
    "POST /settings/remembered": {"categories_not_kept": ["health"]},
    "POST /appearance": {"theme": "dark"},
    "POST /apps/{app_id}/state": {"do": "pause"},
    "POST /apps/{app_id}/rules": {"do": "deny all"},
    "POST /connect/{slug}": {"access": "read"},
    "POST /keys": {"name": "another", "access": "write"},
    "POST /data/erase": {"user_id": "alice"},
    "POST /end-users/choose": {"end_user": "{end_user_id}"},
}


def read() -> dict[str, dict[str, str]]:
    _, _, rest = GUIDE.read_text().partition("\n## Pages\n")
    lines = [line for line in rest.partition("\n## ")[0].splitlines() if line.startswith("| ")]
    (corner, *callers), _, *rows = [
        [cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in lines
    ]
    assert corner == "page"
    return {name: dict(zip(callers, cells, strict=True)) for name, *cells in rows}


TABLE = read()


def test_the_table_has_a_row_for_every_page_and_for_no_other():
    operations = set()
    for pattern in urls.urlpatterns:
        view: type[PageView] = pattern.callback.view_class
        path = "/" + re.sub("<[a-z]+:([a-z_]+)>", r"{\1}", str(pattern.pattern))
        names = [name for name in ("get", "post") if hasattr(view, name)]
        operations |= {f"{name.upper()} {path}" for name in names}

    assert set(TABLE) == operations


@pytest.mark.parametrize("operation", TABLE)
def test_everybody_sees_what_the_table_says_and_nothing_else(operation, alice, bob, olga):
    memory_id = alice.remember(MARKER, infer=False)["id"]
    other_id = alice.remember("Another one", infer=False)["id"]
    other = Memory.objects.filter(pk=other_id)
    undo = change_memories("archive", other, reader=Reader(alice.user), by=alice.user).undo
    owner = _signed_in(alice)
    session_id = PersonSession.objects.get(user=alice.user).pk
    key_id = connect(alice).pk
    app = App.objects.get(owner=alice.user)
    end_user = User.objects.create_user("end-user-1", owner=alice.user, external_id="erin")
    job = EXPORT.enqueue(owner=alice.user, parameters={"user": str(alice.user.pk)})
    connection.check_constraints()  # writes the log
    ids = {
        "memory_id": memory_id, "session_id": session_id, "undo": undo, "slug": "cursor",
        "app_id": app.pk, "rule_id": AccessRule.objects.create(app=app, effect="allow").pk,
        "key_id": key_id, "sequence": 1, "job_id": job.pk, "end_user_id": end_user.pk,
    }  # fmt: skip
    staff = Client()
    staff.force_login(olga.user)
    key = Client(headers={"Authorization": f"Bearer {alice.secret}"})
    callers = {
        "nobody": Client(),
        "the owner": owner,
        "another person": _signed_in(bob),
        "an operator": _signed_in(olga),
        "staff in the admin": staff,
        "a key": key,
    }

    found = {
        name: _outcome(operation, client, ids, owner=alice, is_owner=name == "the owner")
        for name, client in callers.items()
    }

    assert found == TABLE[operation]


def connect(member: Member) -> Connection:
    client = OAuthClient.objects.create(
        client_id="desk", name="Desk", redirect_uris=["https://x.example/"], auth_method="none"
    )
    connection, _tokens = Connection.objects.open(
        user=member.user, client=client, app_name="desk", scopes=["read"],
        resource="https://y.example/mcp", audience="/mcp",
    )  # fmt: skip
    return connection


def _signed_in(member: Member) -> Client:
    client = Client()
    client.post("/sign-in/link", {"token": SignInLink.objects.issue(member.user)})
    return client


def _outcome(
    operation: str, client: Client, ids: dict[str, Any], *, owner: Member, is_owner: bool
) -> str:
    method, path = operation.split()
    form = {name: _filled(value, ids) for name, value in FORMS.get(operation, {}).items()}
    cookies = client.cookies.output()
    with transaction.atomic():
        before = _owned(owner)
        answer = getattr(client, method.lower())(path.format(**ids), form)
        changed = _owned(owner) != before
        transaction.set_rollback(True)
    client.cookies.load(cookies)
    location = answer.headers.get("Location", "")
    if not is_owner:
        assert not changed
        assert MARKER not in answer.content.decode()
    return f"{answer.status_code} sign in" if "/sign-in" in location else str(answer.status_code)


def _owned(owner: Member) -> list[Any]:
    owner.user.refresh_from_db()
    memories = Memory.objects.filter(user=owner.user)
    return [
        sorted(map(str, memories.values_list("pk", "state", "content"))),
        Revision.objects.filter(memory__user=owner.user).count(),
        sorted(map(str, PersonSession.objects.filter(user=owner.user).values_list("pk"))),
        sorted(map(str, Connection.objects.live().filter(key__user=owner.user).values_list("pk"))),
        owner.user.password,
        owner.user.time_zone,
        owner.user.infer,
        owner.user.categories_not_kept,
        owner.user.is_active,
        list(App.objects.filter(owner=owner.user).values_list("is_active")),
        list(AccessRule.objects.filter(app__owner=owner.user).values_list("effect")),
        sorted(map(str, ApiKey.objects.filter(user=owner.user).values_list("pk", "revoked_at"))),
        sorted(map(str, Job.objects.filter(owner=owner.user).values_list("pk", "state"))),
    ]


def _filled(value: Any, ids: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [_filled(each, ids) for each in value]
    return value.format(**ids)
