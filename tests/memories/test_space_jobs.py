"""What is done with spaces in the background, because somebody pressed a button."""

from __future__ import annotations

import pytest
from django.utils import timezone

from core.errors import Conflict
from jobs.models import Job
from jobs.runner import run_due
from memories.models import EmbeddingSpace
from memories.vectors import migration
from tests.memories.spaces import change_to, fake, remote, spaces_of, states
from tests.memories.test_reembed_control import BGE, command, long_ago, memories

pytestmark = pytest.mark.slow

__all__ = ["fake", "memories"]


def test_a_job_drops_what_is_not_in_use_once_no_search_can_be_using_it(olga, fake):
    change_to(olga, remote(fake))
    [kept] = migration.droppable()
    job = migration.enqueue_drop(kept, by=olga.user)
    run_due()
    job.refresh_from_db()
    assert (job.state, states()[BGE]) == ("queued", "kept")
    long_ago()
    Job.objects.update(run_after=timezone.now())

    run_due()

    job.refresh_from_db()
    assert (job.state, job.result["dropped"]) == ("succeeded", 40)
    assert states() == {"other": "active"}


def test_no_job_drops_a_space_that_is_in_use(olga):
    with pytest.raises(Conflict, match="in use"):
        migration.enqueue_drop(EmbeddingSpace.objects.current(), by=olga.user)


def test_a_job_to_drop_what_is_gone_does_no_harm(olga, fake):
    change_to(olga, remote(fake))
    long_ago()
    [kept] = migration.droppable()
    job = migration.enqueue_drop(kept, by=olga.user)
    command("--drop")

    run_due()

    job.refresh_from_db()
    assert job.result == {"space": None, "dropped": 0}


def test_a_kept_space_is_compared_again_by_a_job(olga, fake):
    change_to(olga, remote(fake))
    kept = EmbeddingSpace.objects.get(state="kept")
    job = migration.enqueue_comparison(kept, by=olga.user)

    run_due()

    job.refresh_from_db()
    kept.refresh_from_db()
    assert kept.comparison == job.result["comparison"]
    assert kept.comparison["queries"] == 40


def test_the_space_that_is_searched_is_compared_with_nothing(olga):
    job = migration.enqueue_comparison(EmbeddingSpace.objects.current(), by=olga.user)

    run_due()

    job.refresh_from_db()
    assert (job.state, job.result) == ("succeeded", {})


def test_a_remote_model_embeds_many_memories_with_one_call(alice, olga, fake):
    change_to(olga, remote(fake))
    made = [alice.remember(f"Tea {number}.")["id"] for number in range(5)]
    fake.calls.clear()

    run_due()

    assert sum(fake.calls.values()) == 1
    assert all("other" in spaces_of(pk) for pk in made)
    [job] = Job.objects.filter(kind="embed_new")
    assert job.result == {"embedded": 5, "refused": 0}
