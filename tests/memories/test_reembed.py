from contextlib import contextmanager

import numpy as np
import pytest

from configuration.fake import Fault
from jobs.models import Job
from memories.lifecycle import revise
from memories.models import Embedding, EmbeddingSpace, Memory
from memories.vectors import migration
from memories.vectors.backfill import Backfill
from tests.memories.spaces import (
    LOCAL,
    change_to,
    choose,
    fake,
    found_by,
    reembed,
    remote,
    spaces_of,
    states,
    vectors_in,
)
from tests.memories.stock import stock

pytestmark = pytest.mark.slow

__all__ = ["fake"]

BGE = "bge-small-en-v1.5"


@pytest.fixture
def memories(alice):
    return stock(alice.user, [f"Tea number {number}." for number in range(40)])


def test_choosing_another_model_embeds_all_memories_by_it_and_then_searches_there(
    alice, olga, fake, memories
):
    choose(olga, remote(fake))
    [job] = Job.objects.filter(kind="reembed")
    assert (job.owner, job.state) == (olga.user, "queued")
    assert states() == {BGE: "active"}

    job = reembed()

    assert states() == {BGE: "kept", "other": "active"}
    space = EmbeddingSpace.objects.current()
    assert (space.provider, space.dimensions, vectors_in(space)) == ("vllm", 96, 40)
    assert space.activated_at
    assert job.state == "succeeded"
    assert job.result == {
        "space": "vllm/other (96)",
        "memories": 40,
        "embedded": 40,
        "refused": 0,
        "comparison": space.comparison,
        "switched": True,
    }
    assert (job.done, job.total) == (40, 40)
    answer = alice.post("/memories/search", {"query": "Tea number 7.", "explain": True})
    assert answer.json()["results"][0]["text"] == "Tea number 7."
    assert answer.json()["results"][0]["explanation"]["cosine"] == pytest.approx(1, abs=0.01)


def test_the_results_of_both_are_compared(alice, olga, fake, memories):
    job = change_to(olga, remote(fake))

    assert job.result["comparison"]["queries"] == 40
    assert 0 <= job.result["comparison"]["overlap"] < 1


def test_the_old_model_is_asked_until_the_new_one_has_all(alice, olga, fake, memories):
    before = found_by(alice, "Tea number 7.")

    choose(olga, remote(fake))

    assert found_by(alice, "Tea number 7.") == before
    assert fake.calls["/v1/embeddings"] == 0


def test_with_hold_it_goes_over_when_it_is_told(alice, olga, fake, memories, settings):
    settings.REEMBED_HOLD = True
    job = change_to(olga, remote(fake))
    assert job.result["switched"] is False
    assert states() == {BGE: "active", "other": "filling"}

    migration.start(by=olga.user)

    assert reembed().result["switched"] is True
    assert states() == {BGE: "kept", "other": "active"}


def test_new_and_edited_memories_go_into_both(alice, olga, fake, memories, settings):
    change_to(olga, remote(fake))
    settings.REEMBED_HOLD = True
    change_to(olga, LOCAL)
    assert states() == {BGE: "filling", "other": "active"}

    new = alice.remember("A samovar came from Tula.")
    alice.put(f"/memories/{memories[0].pk}", {"memory_content": "Coffee, by now."})
    assert spaces_of(new["id"]) == {BGE}  # and the other one, as soon as it was asked
    reembed()

    assert spaces_of(new["id"]) == {BGE, "other"}
    assert spaces_of(memories[0].pk) == {BGE, "other"}
    for space in EmbeddingSpace.objects.all():
        vector = Embedding.objects.get(memory=memories[0].pk, space=space).vector
        [expected] = space.embedder.embed_documents(["Coffee, by now."])
        assert np.array(vector) @ expected == pytest.approx(1, abs=0.01)


def test_memories_of_a_remote_model_are_found_by_words_at_once_and_then_by_meaning(
    alice, olga, fake
):
    change_to(olga, remote(fake))
    asked = fake.calls["/v1/embeddings"]

    made = alice.remember("The samovar is from Tula.")
    assert fake.calls["/v1/embeddings"] == asked
    assert made["categories"] is not None
    assert found_by(alice, "samovar") == ["The samovar is from Tula."]
    assert spaces_of(made["id"]) == set()
    reembed()

    assert spaces_of(made["id"]) == {"other"}


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.KEY, Fault.CUT])
def test_without_its_model_a_search_is_answered_by_words(alice, olga, fake, fault):
    change_to(olga, remote(fake))
    alice.remember("The samovar is from Tula.")
    reembed()
    fake.fault = fault

    answer = alice.post(
        "/memories/search", {"query": "a samovar?", "threshold": 0.9, "explain": True}
    )

    assert answer.status_code == 200
    assert answer.json()["by_words_alone"] is True
    [result] = answer.json()["results"]
    assert (result["text"], result["similarity"]) == ("The samovar is from Tula.", 0.0)
    assert result["explanation"]["vectors_by"] == "none"
    assert result["explanation"]["cosine"] is None


def test_a_failing_model_leaves_all_as_it_was_and_the_job_says_why(alice, olga, fake, memories):
    before = found_by(alice, "Tea number 7.")
    fake.fault = Fault.KEY

    job = change_to(olga, remote(fake))

    assert (job.state, job.error["code"]) == ("failed", "provider_key_refused")
    assert states() == {BGE: "active"}
    assert found_by(alice, "Tea number 7.") == before


def test_it_goes_on_where_it_was_interrupted(alice, olga, fake, memories):
    last = Memory.objects.order_by("pk").last()
    Memory.objects.filter(pk=last.pk).update(content="[[fake:key]]")
    job = change_to(olga, remote(fake))
    assert job.state == "failed"
    space = EmbeddingSpace.objects.get(model="other")
    assert (space.state, vectors_in(space)) == ("filling", 32)
    Memory.objects.filter(pk=last.pk).update(content="Tea.")

    migration.start(by=olga.user)
    job = reembed()

    assert job.result["embedded"] == 8
    assert states() == {BGE: "kept", "other": "active"}


@pytest.mark.parametrize("fault", ["no_model", "misfit"])
def test_a_text_that_the_model_refuses_holds_up_no_other(alice, olga, fake, memories, fault):
    memory = memories[3]
    Memory.objects.filter(pk=memory.pk).update(content=f"Say [[fake:{fault}]].")

    job = change_to(olga, remote(fake))

    assert job.result["refused"] == 1
    assert job.result["switched"] is True
    assert spaces_of(memory.pk) == {BGE}


def test_a_memory_edited_while_it_was_embedded_keeps_no_vector_of_what_it_said(alice, memories):
    space = EmbeddingSpace.objects.create(provider="local", model="next", dimensions=384)
    space.embedder = EmbeddingSpace.objects.current().embedder
    edited = memories[0]

    @contextmanager
    def edit_before():
        own = Memory.objects.owned_by(alice.user)
        revise.revise(edited.pk, revise.Edit(text="Coffee, by now."), among=own, by=alice.user)
        yield

    EmbeddingSpace.objects.filter(pk=space.pk).update(state="paused")
    Backfill(space, edit_before).run([[edited.pk, memories[1].pk]])

    assert set(Embedding.objects.filter(space=space).values_list("memory", flat=True)) == {
        memories[1].pk
    }


def test_what_was_deleted_is_not_shown_to_another_model(alice, olga, fake, memories):
    alice.delete(f"/memories/{memories[3].pk}")

    job = change_to(olga, remote(fake))

    assert "Tea number 3." not in str(list(fake.bodies))
    assert (job.result["embedded"], job.result["switched"]) == (39, True)
    assert (job.done, job.total) == (39, 39)
    assert spaces_of(memories[3].pk) == {BGE}
