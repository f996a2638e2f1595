"""The pages of archive policies: made, tried out, and followed now."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from jobs.models import Job
from jobs.runner import run_due
from memories.models import ArchivePolicy, Memory
from tests.admin.memories import PRESSED, text_of
from tests.memories.stock import stock

LIST = "/admin/memories/archivepolicy/"


def page_of(policy: ArchivePolicy) -> str:
    return reverse("admin:memories_archivepolicy_change", args=[policy.pk])


def run_now(policy: ArchivePolicy) -> str:
    return reverse("admin:memories_archivepolicy_run_now", args=[policy.pk])


@pytest.fixture
def policy(alice) -> ArchivePolicy:
    memories = stock(alice.user, ["One.", "Two.", "Three."])
    old = timezone.now() - timedelta(days=40)
    Memory.objects.filter(pk__in=[each.pk for each in memories[:2]]).update(updated_at=old)
    return ArchivePolicy.objects.create(days=30, user=alice.user)


def test_a_policy_is_made_in_the_name_of_who_makes_it(browser, root, alice):
    browser.post(f"{LIST}add/", {"days": 30, "user": str(alice.user.pk), "is_active": "on"})

    policy = ArchivePolicy.objects.get()
    assert (policy.days, policy.user, policy.made_by) == (30, alice.user, root)
    assert LogEntry.objects.get().object_id == str(policy.pk)


@pytest.mark.parametrize("days", ["", "0", "-1", "36501", "soon"])
def test_a_policy_that_makes_no_sense_is_refused(browser, days):
    answer = browser.post(f"{LIST}add/", {"days": days})

    assert answer.status_code == 200
    assert answer.context["errors"]
    assert not ArchivePolicy.objects.exists()


def test_its_page_tells_what_it_would_do_now(browser, policy):
    assert "2 memories" in text_of(browser, page_of(policy))
    assert Memory.objects.active().count() == 3


def test_it_is_followed_by_a_job(browser, root, policy):
    browser.post(run_now(policy), PRESSED)
    run_due()

    [job] = Job.objects.all()
    assert (job.owner, job.state, job.result) == (root, "succeeded", {"archived": 2})
    policy.refresh_from_db()
    assert policy.archived == 2
    assert Memory.objects.active().count() == 1


def test_one_that_rests_is_not_followed(browser, policy):
    browser.post(run_now(policy), PRESSED)
    ArchivePolicy.objects.update(is_active=False)
    assert run_now(policy) not in text_of(browser, page_of(policy))

    run_due()

    assert Memory.objects.active().count() == 3


def test_a_policy_can_be_deleted_and_what_it_archived_stays(browser, policy):
    browser.post(run_now(policy), PRESSED)
    run_due()

    browser.post(reverse("admin:memories_archivepolicy_delete", args=[policy.pk]), {"post": "yes"})

    assert not ArchivePolicy.objects.exists()
    assert Memory.objects.count() == 3


def test_who_only_sees_can_do_nothing(reading, policy):
    page = text_of(reading, page_of(policy))
    assert "2 memories" in page
    assert run_now(policy) not in page

    assert reading.post(run_now(policy), PRESSED).status_code == 403
    assert reading.post(page_of(policy), {"days": 1}).status_code == 403
    assert reading.post(f"{LIST}add/", {"days": 1}).status_code == 403
    address = reverse("admin:memories_archivepolicy_delete", args=[policy.pk])
    assert reading.post(address, {"post": "yes"}).status_code == 403
    policy.refresh_from_db()
    assert policy.days == 30
    assert not Job.objects.exists()


def test_strangers_are_sent_to_sign_in(client, policy):
    for address in (LIST, page_of(policy), run_now(policy)):
        assert "/admin/login/" in client.post(address, PRESSED).headers["Location"]
    assert not Job.objects.exists()
