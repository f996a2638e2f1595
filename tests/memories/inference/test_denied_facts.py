"""What rules deny to an app is not there for the facts that it stores."""

import json

import pytest

from apps_registry.models import AccessRule, App
from jobs.runner import run_due
from memories.models import Memory, State
from tests.memories.inference.conftest import tell, texts

pytestmark = pytest.mark.slow


def deny(memory: Memory, app: App | None = None) -> None:
    AccessRule.objects.create(app=app or memory.app, memory_id=memory.pk, effect="deny")


def test_what_a_fact_contradicts_stays_if_the_app_may_not_read_it(alice, fake):
    denied, _ = tell(alice, "I live in York.")
    deny(denied)

    _, job = tell(alice, "I moved to Leeds.")

    assert texts(alice) == {"I live in York.", "I moved to Leeds."}
    assert job.result["superseded"] == []
    denied.refresh_from_db()
    assert (denied.state, denied.superseded_by) == (State.ACTIVE, None)


@pytest.mark.parametrize("text", ["The dog is called Rex.", "my dog is called REX"])
def test_what_is_denied_is_not_known(alice, fake, text):
    denied, _ = tell(alice, "My dog is called Rex.")
    deny(denied)

    memory, job = tell(alice, text)

    assert (memory.state, memory.content) == (State.ACTIVE, text)
    assert job.result["known"] == []
    assert str(denied.pk) not in json.dumps(job.result)


def test_what_an_app_read_before_it_was_denied_is_not_known(alice, fake):
    stored, _ = tell(alice, "My dog is called Rex.", app="phone")
    desk = alice.with_key(app_name="desk")
    desk.get(f"/memories/{stored.pk}")
    deny(stored, App.objects.get(owner=alice.user, name="desk"))

    memory, job = tell(desk, "My dog is called Rex.")

    assert memory.state == State.ACTIVE
    assert job.result["known"] == []


def test_the_rules_are_those_of_the_moment_at_which_the_job_runs(alice, fake):
    denied, _ = tell(alice, "I live in York.")
    alice.remember("I moved to Leeds.")
    deny(denied)

    run_due()

    assert texts(alice) == {"I live in York.", "I moved to Leeds."}


def test_an_app_that_may_read_nothing_still_has_its_facts_stored(alice, fake):
    first, _ = tell(alice, "I live in York.")
    AccessRule.objects.create(app=first.app, memory_id=None, effect="deny")

    _, job = tell(alice, "I moved to Leeds. My dog is called Rex.")

    assert job.state == "succeeded"
    assert texts(alice) == {"I live in York.", "I moved to Leeds.", "My dog is called Rex."}


@pytest.mark.parametrize("state", ["paused", "archived", "deleted"])
def test_what_is_put_aside_is_not_known(alice, fake, state):
    known, _ = tell(alice, "My dog is called Rex.")
    Memory.objects.filter(pk=known.pk).change_state(State(state), by=alice.user)

    memory, job = tell(alice, "user: My dog is called Rex.")

    assert memory.state == State.ACTIVE
    assert job.result["known"] == []
    assert texts(alice)
