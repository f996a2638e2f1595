from __future__ import annotations

import pytest

from accounts.models import User
from jobs import kinds
from jobs.kinds import Kind
from jobs.queueing import queue
from jobs.running import run_due
from jobs.work import Work


def greet(work: Work) -> None:
    work.progress(1, 2)
    with work.finishing() as result:
        User.objects.filter(pk=work.owner.pk).update(name=work.parameters["name"])
        result["greeted"] = work.parameters["name"]


@pytest.fixture
def greeting(monkeypatch):
    monkeypatch.setattr(kinds, "_kinds", {**kinds._kinds})
    kinds.register(Kind("greet", greet))


def test_a_job_that_is_queued_runs_once(alice, greeting):
    job = queue("greet", owner=alice.user, parameters={"name": "Ali"})
    assert alice.get(f"/jobs/{job.pk}").json()["state"] == "queued"

    assert (run_due(), run_due()) == (1, 0)

    shown = alice.get(f"/jobs/{job.pk}").json()
    assert (shown["state"], shown["result"]) == ("succeeded", {"greeted": "Ali"})
    assert shown["progress"] == {"done": 1, "total": 2}
    alice.user.refresh_from_db()
    assert alice.user.name == "Ali"
