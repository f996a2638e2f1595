"""A user who changes a memory while its job runs has priority."""

import pytest

from jobs.models import Job
from jobs.runner import run_due
from memories.inference import jobs
from memories.models import Memory
from tests.memories.inference.conftest import tell, texts

pytestmark = pytest.mark.slow

TEXT = "I live in York. My dog is called Rex."


def edit(alice, pk):
    assert alice.put(f"/memories/{pk}", {"memory_content": "I live in Bath."}).status_code == 200


def delete(alice, pk):
    assert alice.delete(f"/memories/{pk}").status_code == 200


def pause(alice, pk):
    assert alice.post("/memories/actions/pause", {"memory_ids": [pk]}).status_code == 200


DONE = [(edit, "edited"), (delete, "deleted"), (pause, "paused")]


@pytest.mark.parametrize(("do", "what"), DONE)
def test_before_the_job_ran(alice, fake, do, what):
    memory = alice.remember(TEXT)
    do(alice, memory["id"])
    before = alice.get(f"/memories/{memory['id']}").json()

    run_due()

    assert Job.objects.get(kind="infer").result == {"skipped": what}
    assert not [call for call in fake.bodies if "facts" in str(call)]
    after = alice.get(f"/memories/{memory['id']}").json()
    assert (after["text"], after["state"]) == (before["text"], before["state"])


@pytest.mark.parametrize(("do", "what"), DONE)
def test_while_the_job_ran(alice, fake, monkeypatch, do, what):
    memory = alice.remember(TEXT)
    reconcile = jobs.reconcile

    def interrupted(*args, **kwargs):
        do(alice, memory["id"])
        return reconcile(*args, **kwargs)

    monkeypatch.setattr(jobs, "reconcile", interrupted)

    run_due()

    assert Job.objects.get(kind="infer").result == {"skipped": what}
    assert Memory.objects.count() == 1


def test_facts_that_came_in_meanwhile_are_compared_with(alice, fake, monkeypatch):
    alice.remember("My dog is called Rex. I like tea.", app="chat")
    reconcile = jobs.reconcile
    rounds = []

    def overtaken(*args, **kwargs):
        rounds.append(reconcile(*args, **kwargs))
        if len(rounds) == 1:
            alice.remember("My dog is called Rex.", app="chat", infer=False)
        return rounds[-1]

    monkeypatch.setattr(jobs, "reconcile", overtaken)
    run_due()

    assert len(rounds) == 2
    assert texts(alice) == {"My dog is called Rex.", "I like tea."}
    assert Memory.objects.filter(content="My dog is called Rex.").count() == 1


def test_an_edited_memory_is_categorised_by_the_model_and_keeps_its_text(alice, fake):
    memory, _ = tell(alice, "I live in York.")
    alice.put(f"/memories/{memory.pk}", {"memory_content": "My cat purrs. It likes fish."})

    run_due()

    shown = alice.get(f"/memories/{memory.pk}").json()
    assert shown["text"] == "My cat purrs. It likes fish."
    assert shown["categories"] == ["pets", "preferences"]
    assert Job.objects.filter(kind="categorize", state="succeeded").count() == 1


def test_an_edit_while_its_memory_is_categorised_is_categorised_too(alice, fake, monkeypatch):
    memory, _ = tell(alice, "I live in York.")
    alice.put(f"/memories/{memory.pk}", {"memory_content": "My cat purrs."})
    categorize = jobs.ask_for_categories
    seen = []

    def interrupted(text, **kwargs):
        seen.append(text)
        if len(seen) == 1:
            alice.put(f"/memories/{memory.pk}", {"memory_content": "The hotel in Sailtown."})
        return categorize(text, **kwargs)

    monkeypatch.setattr(jobs, "ask_for_categories", interrupted)
    run_due()

    assert seen == ["My cat purrs.", "The hotel in Sailtown."]
    assert alice.get(f"/memories/{memory.pk}").json()["categories"] == ["travel"]


def test_the_model_chooses_among_the_categories_of_the_operator(alice, fake, settings):
    settings.CATEGORIES = ["pets", "sailing"]

    memory, _ = tell(alice, "My dog likes sailing on a trip.")
    assert alice.get(f"/memories/{memory.pk}").json()["categories"] == ["pets", "sailing"]

    alice.put(f"/memories/{memory.pk}", {"memory_content": "A flight, then sailing."})
    run_due()
    assert alice.get(f"/memories/{memory.pk}").json()["categories"] == ["sailing"]


def test_what_was_deleted_is_not_shown_to_the_model(alice, fake):
    memory, _ = tell(alice, "I live in York.")
    alice.put(f"/memories/{memory.pk}", {"memory_content": "My cat purrs."})
    alice.delete(f"/memories/{memory.pk}")

    run_due()

    assert not [call for call in fake.bodies if "purrs" in str(call)]
    assert Job.objects.get(kind="categorize").state == "succeeded"


def test_given_categories_and_metadata_stay_beside_what_is_inferred(alice, fake):
    memory = alice.remember(TEXT, metadata={"a": 1})
    patch = {"categories": ["mine"], "metadata": {"b": 2}, "conversation": "c-1"}
    assert alice.patch(f"/memories/{memory['id']}", patch).status_code == 200

    run_due()

    assert texts(alice) == {"I live in York.", "My dog is called Rex."}
    after = alice.get(f"/memories/{memory['id']}").json()
    assert (after["categories"], after["conversation"]) == (["mine"], "c-1")
    assert after["metadata_"].items() >= {"a": 1, "b": 2}.items()


@pytest.mark.parametrize("with_text", [True, False])
def test_given_categories_are_not_replaced_by_a_job(alice, fake, with_text):
    memory, _ = tell(alice, "I live in York.")
    path = f"/memories/{memory.pk}"
    alice.patch(path, {"text": "My dog is called Rex."})
    patch = {"categories": ["mine"]} | ({"text": "My cat is called Tom."} if with_text else {})
    alice.patch(path, patch)

    run_due()

    assert alice.get(path).json()["categories"] == ["mine"]


def test_the_same_categories_that_a_model_assigned_can_be_given(alice, fake):
    memory, _ = tell(alice, "I live in York.")
    path = f"/memories/{memory.pk}"
    alice.put(path, {"memory_content": "My dog is called Rex."})
    assigned = alice.get(path).json()["categories"]
    alice.patch(path, {"categories": assigned})

    run_due()

    assert alice.get(path).json()["categories"] == assigned
