"""What an archive has of what Mem0's clients keep: no secrets, nothing that is made again."""

from datetime import UTC, datetime

import pytest

from backups.export_queries import ExportFilters
from mem0.models import Entity, Feedback, Project, Webhook
from tests.backups.archives import archive_of, entities
from tests.backups.imports import export, imported, send

# An export reads with a connection of its own.
pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def build(shop):
    ping = shop.get("/v1/ping/").json()
    path = f"/api/v1/orgs/organizations/{ping['org_id']}/projects/{ping['project_id']}/"
    shop.patch(path, {"custom_instructions": "Be brief"})
    hook = {"url": "https://example.org/", "event_types": ["memory_add"]}
    secret = shop.post(f"/api/v1/webhooks/projects/{ping['project_id']}/", hook).json()["secret"]
    [pk] = shop.add("I like tea", user_id="alice", agent_id="cook", run_id="one", app_id="desk")
    shop.post("/v1/feedback/", {"memory_id": pk, "feedback": "NEGATIVE", "feedback_reason": "No"})
    shop.add("I like rice", user_id="ann", agent_id="maid")
    return secret


def test_entities_settings_and_feedback_come_back(shop, rival):
    build(shop)
    archive = export(shop.member)

    for _ in range(2):
        imported(send(rival.member, archive))
        own = Entity.objects.filter(account=rival.member.user)
        assert set(own.values_list("kind", "name")) == {
            ("agent", "cook"), ("agent", "maid"), ("app", "desk"), ("run", "one"),
        }  # fmt: skip
        assert Project.objects.get(account=rival.member.user).settings == {
            "custom_instructions": "Be brief"
        }
        [feedback] = Feedback.objects.filter(memory__user=rival.member.user)
        assert (feedback.verdict, feedback.reason) == ("NEGATIVE", "No")
    assert not Webhook.objects.filter(account=rival.member.user).exists()


def test_an_archive_has_no_webhook_and_nothing_of_others(shop):
    secret = build(shop)

    text = archive_of(shop.member.user).read("memories.json").decode()

    assert secret not in text
    assert "example.org" not in text
    assert "ann" not in text


def test_settings_that_are_there_stay_unless_they_are_to_be_overwritten(shop, rival):
    build(shop)
    archive = export(shop.member)
    Project.objects.create(account=rival.member.user, settings={"decay": True})

    imported(send(rival.member, archive, "?mode=skip"))
    assert Project.objects.get(account=rival.member.user).settings == {"decay": True}
    imported(send(rival.member, archive, "?mode=overwrite"))
    assert "decay" not in Project.objects.get(account=rival.member.user).settings


def test_settings_that_cannot_be_are_not_used(shop):
    settings = {"custom_categories": 7, "colour": "red", "custom_instructions": "Be brief"}
    Project.objects.create(account=shop.member.user, settings=settings)
    ping = shop.get("/v1/ping/").json()
    path = f"/api/v1/orgs/organizations/{ping['org_id']}/projects/{ping['project_id']}/"

    shown = shop.get(path).json()

    assert (shown["custom_categories"], shown["custom_instructions"]) == (None, "Be brief")
    assert "colour" not in shown
    assert shop.post("/v3/memories/add/", {"messages": "I like tea", "user_id": "ann"}).data[
        "status"
    ]


def test_an_export_of_a_part_has_no_settings(shop):
    build(shop)

    held = entities(
        archive_of(shop.member.user, ExportFilters(last=datetime(2020, 1, 1, tzinfo=UTC)))
    )

    assert (held["entities"], held["project"], held["feedback"]) == ([], [], [])
