"""Each cell of the table of Mem0's API in docs/authority.md, called over HTTP."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from rest_framework.test import APIClient

from apps_registry.models import App
from jobs.runner import run_due
from mem0.models import Entity, Event, Export, Feedback, Profile, Project, Webhook
from mem0.views import exports
from memories.models import Memory
from tests.authority import table
from tests.mem0.conftest import Client

pytestmark = pytest.mark.no_cover

TABLE = table.read("Mem0's API")
ALL_FILTERS = {"filters": {"user_id": "ann"}, "query": "tea"}
PROJECT = "/api/v1/orgs/organizations/{org_id}/projects/{project_id}/"
SCHEMA = {
    "type": "object", "properties": {"drink": {"type": "string"}}, "required": ["drink"]
}  # fmt: skip
HOOK = {"url": "https://example.org/", "event_types": ["memory_add"]}

BODIES = {
    "POST /v3/memories/add/": {"messages": "I like rice", "user_id": "ann", "infer": False},
    "POST /v1/memories/": {"messages": "I like rice", "user_id": "ann", "infer": False},
    "POST /v3/memories/": ALL_FILTERS,
    "POST /v3/memories/search/": ALL_FILTERS,
    "POST /v2/memories/": ALL_FILTERS,
    "POST /v2/memories/search/": ALL_FILTERS,
    "POST /v1/memories/search/": ALL_FILTERS,
    "PUT /v1/memories/{memory_id}/": {"text": "I like rice"},
    "PUT /v1/batch/": {"memories": [{"memory_id": "{memory_id}", "text": "I like rice"}]},
    "DELETE /v1/batch/": {"memories": [{"memory_id": "{memory_id}"}]},
    "POST /v1/feedback/": {"memory_id": "{memory_id}", "feedback": "POSITIVE"},
    "POST /v1/exports/": {"filters": {"user_id": "ann"}, "schema": SCHEMA},
    "POST /v1/exports/get/": {"memory_export_id": "{export_id}"},
    "POST /v1/summary/": {"filters": {"user_id": "ann"}},
    "POST /v2/profiles/settings/": {"entities": {"user": {"custom_instructions": "Be brief."}}},
    "POST /v2/profiles/jobs/": {"operation": "trigger", "entity_type": "user", "entity_id": "ann"},
    f"PATCH {PROJECT}": {"custom_instructions": "Be brief."},
    "POST /api/v1/webhooks/projects/{project_id}/": HOOK,
    "PUT /api/v1/webhooks/{webhook_id}/": {"name": "Another"},
}
QUERIES = {
    "DELETE /v1/memories/": {"user_id": "ann"},
    "GET /v1/memories/": {"user_id": "ann"},
}


def test_the_table_has_a_row_for_every_body():
    assert set(BODIES) | set(QUERIES) <= set(TABLE)


@pytest.mark.parametrize("operation", TABLE)
def test_every_key_does_what_the_table_says(operation, shop, rival, llm, monkeypatch):
    monkeypatch.setattr(exports, "SUMMARY_SECONDS", 0)
    ids = build(shop)
    callers = {
        "owner": shop,
        "read-only key": shop.with_key(scopes=["read"]),
        "write-only key": shop.with_key(scopes=["write"]),
        "key of an app": shop.with_key(app_name="desk"),
        "key of another app": shop.with_key(app_name="phone"),
        "pinned key": shop.with_key(is_pinned=True),
        "other account": rival,
        "no key": None,
    }

    found = {who: outcome(operation, ids, caller) for who, caller in callers.items()}

    assert found == TABLE[operation]


def build(shop: Client) -> dict[str, str]:
    [pk] = shop.add("I like tea", user_id="ann", app_id="desk", agent_id="cook")
    App.objects.create(owner=Memory.objects.get().user, name="phone", is_active=False)
    ping = shop.get("/v1/ping/").json()
    created = shop.post(f"/api/v1/webhooks/projects/{ping['project_id']}/", HOOK).json()
    shop.post("/v2/profiles/settings/", {"enabled": True})
    job = shop.post("/v2/profiles/jobs/", BODIES["POST /v2/profiles/jobs/"]).json()
    export = shop.post("/v1/exports/", BODIES["POST /v1/exports/"]).json()
    shop.post("/v1/summary/", BODIES["POST /v1/summary/"])
    run_due()
    return {
        "profile_job_id": job["job_id"],
        "export_id": export["id"],
        "memory_id": pk,
        "event_id": str(Event.objects.get(event_type="ADD").pk),
        "entity_id": str(Entity.objects.get(kind="user").pk),
        "webhook_id": created["webhook_id"],
        "org_id": ping["org_id"],
        "project_id": ping["project_id"],
    }


def outcome(operation: str, ids: dict[str, str], caller: Client | None) -> str:
    method, path = operation.split()
    body = filled(BODIES.get(operation), ids)
    with transaction.atomic():
        before = stored()
        if caller is None:
            answer = APIClient().generic(method, path.format(**ids))
        else:
            address, query = path.format(**ids), QUERIES.get(operation, {})
            answer = caller.call(method, address, body, **query)
        changed = stored() != before
        connection.check_constraints()
        transaction.set_rollback(True)
    if answer.status_code >= 400:
        return f"{answer.status_code}{', and yet something changed' if changed else ''}"
    shown = any(mark in answer.content.decode() for mark in ("I like tea", ids["memory_id"], "ann"))
    return f"{answer.status_code}{'' if changed or shown else ' own'}"


def filled(value, ids):
    if isinstance(value, dict):
        return {name: filled(inner, ids) for name, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, ids) for inner in value]
    return value.format(**ids) if isinstance(value, str) else value


def stored():
    """All that a call could change of the account's."""
    return [
        sorted(
            Memory.objects.filter(content__startswith="I like").values_list(
                "pk", "content", "state"
            )
        ),
        sorted(Entity.objects.values_list("pk", "name")),
        sorted(Webhook.objects.values_list("pk", "name")),
        sorted(map(str, Project.objects.values_list("pk", "settings", "profiles"))),
        sorted(Profile.objects.values_list("pk", "job")),
        sorted(Export.objects.values_list("pk", flat=True)),
        sorted(Feedback.objects.values_list("pk", "verdict")),
    ]
