"""Whose job is next: nobody waits for all that somebody else has queued before."""

from __future__ import annotations

from jobs.claim import claim
from jobs.models import Job
from jobs.registry import get_job_type
from jobs.runner import run_due


def enqueue_for(*members):
    return [get_job_type("work").enqueue(owner=member.user) for member in members]


def test_owners_have_their_jobs_run_in_turn(alice, bob, olga, register):
    done = []
    register(lambda job_run: done.append(job_run.owner.user_id), queue="long")
    enqueue_for(alice, alice, alice, bob, olga, bob)

    run_due()

    assert done == ["alice", "bob", "olga", "alice", "bob", "alice"]


def test_an_owner_who_has_fewer_running_comes_first(alice, bob, register):
    register()
    first, second, third, fourth = enqueue_for(alice, bob, bob, alice)
    assert [claim("quick") for _ in range(2)] == [first, second]
    Job.objects.filter(pk=second.pk).delete()

    assert claim("quick") == third
    assert claim("quick") == fourth


def test_the_jobs_of_one_owner_are_run_in_the_order_in_which_they_are_due(alice, register):
    register()
    jobs = enqueue_for(alice, alice, alice)

    assert [claim("quick") for _ in range(4)] == [*jobs, None]


def test_whose_turn_it_is_does_not_depend_on_the_other_queue(alice, bob, register):
    register(queue="long")
    enqueue_for(alice)
    claim("long")
    Job.objects.update(kind="quick work")
    first, _ = enqueue_for(alice, bob)

    assert claim("long") == first


def test_the_server_itself_has_its_turn_too(alice, register):
    register()
    enqueue_for(alice, alice)
    own = get_job_type("work").enqueue(owner=None)

    assert [claim("quick").owner for _ in range(3)] == [alice.user, None, alice.user]
    own.refresh_from_db()
    assert own.state == "running"


def test_a_turn_costs_as_many_statements_whatever_waits(
    alice, bob, register, django_assert_num_queries
):
    register()
    enqueue_for(alice, bob, *[alice] * 50)

    claim("quick")  # compiles the statement
    with django_assert_num_queries(2):
        claim("quick")
