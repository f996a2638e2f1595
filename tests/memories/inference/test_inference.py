import pytest

from jobs.models import Job
from jobs.runner import run_due
from memories.models import Memory
from tests.memories.inference.conftest import tell, texts

pytestmark = pytest.mark.slow


def test_what_was_sent_is_there_at_once_and_a_job_goes_on_with_it(alice, fake):
    memory = alice.remember("I live in York. My dog is called Rex.")

    assert memory["event"] == "ADD"
    assert memory["text"] == "I live in York. My dog is called Rex."
    job = alice.get(memory["job"].removeprefix("/api/v1")).json()
    assert (job["kind"], job["state"]) == ("infer", "queued")
    hits = alice.post("/memories/search", {"query": "name of my pet"}).json()["results"]
    assert [hit["id"] for hit in hits] == [memory["id"]]
    assert not fake.calls


def test_the_first_fact_takes_its_place_and_the_others_stand_beside_it(alice, fake):
    memory, job = tell(
        alice,
        "I live in York. My dog is called Rex. Bye!",
        metadata={"source": "chat"},
        timestamp=1_700_000_000,
    )

    assert job.state == "succeeded", job.error
    assert memory.content == "I live in York."
    assert memory.metadata == {"source": "chat"}
    assert memory.revisions.get().content == "I live in York. My dog is called Rex. Bye!"
    other = Memory.objects.exclude(pk=memory.pk).get()
    assert other.content == "My dog is called Rex."
    assert other.metadata == {"source": "chat", "inferred_from": str(memory.pk)}
    assert (other.app, other.created_at) == (memory.app, memory.created_at)
    assert [category.name for category in other.categories.all()] == ["pets"]
    assert job.result == {
        "added": [str(memory.pk), str(other.pk)],
        "known": [],
        "superseded": [],
        "left_out": 0,
    }


def test_facts_are_found_by_what_they_say(alice, fake):
    tell(alice, "I live in York. My dog is called Rex.")

    hits = alice.post("/memories/search", {"query": "dog", "top_k": 1}).json()["results"]

    assert [hit["text"] for hit in hits] == ["My dog is called Rex."]


def test_a_fact_that_is_known_is_not_stored_again(alice, fake):
    known, _ = tell(alice, "My dog is called Rex.")

    memory, job = tell(alice, "my dog is called REX! I like tea.")

    assert texts(alice) == {"My dog is called Rex.", "I like tea."}
    assert job.result["known"] == [str(known.pk)]
    assert memory.content == "I like tea."


def test_a_text_that_says_nothing_new_is_archived_for_what_says_it(alice, fake):
    known, _ = tell(alice, "My dog is called Rex.")

    memory, job = tell(alice, "The dog is called Rex.")

    assert texts(alice) == {"My dog is called Rex."}
    assert job.result == {"added": [], "known": [str(known.pk)], "superseded": [], "left_out": 0}
    assert memory.content == "The dog is called Rex."
    assert (memory.state, memory.superseded_by) == ("archived", known)
    assert memory.state_changes.last().reason == "known"


def test_what_a_fact_contradicts_is_archived_and_linked_both_ways(alice, fake):
    old, _ = tell(alice, "I live in York.")

    new, job = tell(alice, "I moved to Leeds.")

    assert texts(alice) == {"I moved to Leeds."}
    assert job.result["superseded"] == [{"memory_id": str(old.pk), "superseded_by": str(new.pk)}]
    before = alice.get(f"/memories/{old.pk}").json()
    after = alice.get(f"/memories/{new.pk}").json()
    assert (before["state"], before["superseded_by"]) == ("archived", str(new.pk))
    assert (after["state"], after["supersedes"]) == ("active", [str(old.pk)])
    change = old.state_changes.last()
    assert (change.reason, change.changed_by) == ("superseded", alice.user)


def test_what_was_superseded_is_restored_with_one_call(alice, fake):
    old, _ = tell(alice, "I live in York.")
    new, _ = tell(alice, "I moved to Leeds.")

    answer = alice.post("/memories/actions/pause", {"memory_ids": [str(old.pk)], "state": "active"})

    assert answer.status_code == 200
    assert texts(alice) == {"I live in York.", "I moved to Leeds."}
    assert alice.get(f"/memories/{old.pk}").json()["superseded_by"] is None
    assert alice.get(f"/memories/{new.pk}").json()["supersedes"] == []


def test_what_was_said_last_holds_also_when_it_was_sent_first(alice, fake):
    newer, _ = tell(alice, "I moved to Leeds.", timestamp=1_700_000_000)

    older, _ = tell(alice, "Now I live in York. I moved there.", timestamp=1_600_000_000)

    assert older.state == "archived"
    assert older.superseded_by == newer
    assert newer.state == "active"


def test_a_text_without_facts_stays_as_it_is(alice, fake):
    memory, job = tell(alice, "How are you?")

    assert memory.content == "How are you?"
    assert memory.state == "active"
    assert job.result == {"added": [], "known": [], "superseded": [], "left_out": 0}


def test_memories_of_other_users_and_apps_neither_know_nor_give_way(alice, bob, fake):
    theirs, _ = tell(bob, "I live in York.")
    elsewhere, _ = tell(alice, "I live in York.", app="other")

    tell(alice, "I moved to Leeds.")
    tell(alice, "The dog is called Rex.")
    tell(bob, "My dog is called Rex.")

    for memory in (theirs, elsewhere):
        memory.refresh_from_db()
        assert memory.state == "active"
    assert texts(bob) == {"I live in York.", "My dog is called Rex."}


def test_a_verbatim_text_meets_no_model(alice, fake):
    memory = alice.remember("I live in York. My dog is called Rex.", infer=False)

    assert memory["job"] is None
    assert memory["categories"] == []
    assert not fake.calls


def test_an_exact_duplicate_needs_no_job(alice, fake):
    first, _ = tell(alice, "I like tea.")
    calls = dict(fake.calls)

    again = alice.remember("i like TEA.")

    assert (again["event"], again["job"], again["id"]) == ("DUPLICATE", None, str(first.pk))
    assert dict(fake.calls) == calls


def test_a_fact_of_a_category_that_is_not_kept_goes_with_the_text_that_holds_it(alice, fake):
    both = alice.remember("I live in York. My dog is called Rex.")["id"]
    alone = alice.remember("My cat is called Tom.")["id"]
    alice.patch("/users/me", {"categories_not_kept": ["pets"]})

    run_due()

    assert texts(alice) == {"I live in York."}
    sent = Memory.objects.filter(pk__in=[both, alone])
    assert {(memory.state, memory.state_changes.last().reason) for memory in sent} == {
        ("deleted", "not kept")
    }
    assert {job.result["not_kept"] for job in Job.objects.filter(kind="infer")} == {1}


def test_no_model_is_asked_about_a_user_who_has_switched_inference_off(alice, fake):
    memory = alice.remember("I live in York.")
    alice.patch("/users/me", {"infer": False})
    alice.remember("My dog is called Rex.")
    alice.put(f"/memories/{memory['id']}", {"memory_content": "I live in Leeds."})

    run_due()

    assert texts(alice) == {"I live in Leeds.", "My dog is called Rex."}
    assert [job.result for job in Job.objects.all()] == [{"skipped": "edited"}]
    assert not fake.calls


def test_what_a_job_takes(alice, fake, django_assert_num_queries):
    tell(alice, "My dog is called Rex.")
    alice.remember("Rex is a brown dog.")

    # The claim, and its job; the source, whether that is edited, the configuration and the space;
    # what is pending, and what has the same text, twice; the spaces, the vector of what was sent,
    # and what is near; the transaction, the lease, the run and the lock; what is pending, and what
    # is near by now; the memories, whether that is edited, who sent it, its categories; the end of
    # the job and of the transaction; and no other job in either queue.
    with django_assert_num_queries(28):
        run_due()
