"""What becomes of spaces as operators choose, pause, go back and drop."""

import json
import uuid
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from configuration import effective
from configuration.fake import Fault
from jobs.models import Job
from memories.models import Embedding, EmbeddingSpace, Memory
from memories.vectors import backfill, migration
from memories.vectors.migration import reembed_job
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


@pytest.fixture(autouse=True)
def memories(alice):
    return stock(alice.user, [f"Tea number {number}." for number in range(40)])


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("reembed", *arguments, stdout=out)
    return out.getvalue()


def long_ago() -> None:
    EmbeddingSpace.objects.filter(retired_at__isnull=False).update(
        retired_at=timezone.now() - timedelta(hours=1)
    )


def test_choosing_the_model_in_use_again_stops_what_was_begun(olga, fake):
    choose(olga, remote(fake))
    choose(olga, LOCAL)

    job = reembed()

    assert job.result["switched"] is False
    assert states() == {BGE: "active"}
    assert fake.calls["/v1/embeddings"] == 0


def test_the_last_choice_counts(olga, fake, settings):
    settings.REEMBED_HOLD = True
    change_to(olga, remote(fake, "one"))
    settings.REEMBED_HOLD = False

    choose(olga, remote(fake, "two"))
    assert states() == {BGE: "active", "one": "paused"}
    reembed()

    assert states() == {BGE: "kept", "one": "paused", "two": "active"}


def test_another_key_for_the_same_model_counts_at_once_and_embeds_nothing_anew(alice, olga, fake):
    change_to(olga, remote(fake, api_key="sk-first-key-of-a-provider"))
    asked = fake.calls["/v1/embeddings"]

    choose(olga, remote(fake, api_key="sk-second-key-of-a-provider"))

    assert not Job.objects.unfinished().exists()
    assert fake.calls["/v1/embeddings"] == asked
    found_by(alice, "Tea number 7.")
    assert fake.headers[-1]["authorization"] == "Bearer sk-second-key-of-a-provider"


def test_a_key_that_is_exchanged_meanwhile_is_gone_on_with(olga, fake, monkeypatch):
    exchanges = iter(["sk-second-key-of-a-provider"])

    def interrupted(space):
        for number, batch in enumerate(backfill.find_unembedded(space)):
            # Once: the first batch may be the one that fails, and is then the first again.
            if number == 1 and (key := next(exchanges, None)):
                fake.control({"fault": Fault.KEY, "times": 1})
                choose(olga, remote(fake, api_key=key))
            yield batch

    monkeypatch.setattr(reembed_job, "find_unembedded", interrupted)

    ended = change_to(olga, remote(fake, api_key="sk-first-key-of-a-provider"))

    assert (ended.state, ended.result["switched"]) == ("succeeded", True)
    assert fake.times == 0
    assert fake.headers[-1]["authorization"] == "Bearer sk-second-key-of-a-provider"
    assert Job.objects.filter(kind="reembed").count() == 1


def test_what_could_not_be_embedded_is_once_another_key_is_given(alice, olga, fake):
    change_to(olga, remote(fake, api_key="sk-first-key-of-a-provider"))
    fake.fault = Fault.KEY
    made = alice.remember("The samovar is from Tula.")
    reembed()
    assert spaces_of(made["id"]) == set()
    fake.fault = None

    change_to(olga, remote(fake, api_key="sk-second-key-of-a-provider"))

    assert spaces_of(made["id"]) == {"other"}


def test_the_key_of_the_former_model_is_kept_sealed_until_its_vectors_are_dropped(
    alice, olga, fake, settings
):
    change_to(olga, remote(fake, api_key="sk-a-key-of-a-provider"))
    settings.REEMBED_HOLD = True
    change_to(olga, LOCAL)
    assert olga.get("/config/mem0/embedder").json()["config"]["api_key"] is None

    found_by(alice, "Tea number 7.")

    assert fake.headers[-1]["authorization"] == "Bearer sk-a-key-of-a-provider"
    space = EmbeddingSpace.objects.get(model="other")
    assert "sk-a-key" not in str(space.reach)


def test_an_exchanged_secret_key_renews_the_kept_keys_of_spaces(olga, fake, settings):
    change_to(olga, remote(fake, api_key="sk-a-key-of-a-provider"))
    change_to(olga, LOCAL)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"

    olga.put("/config/openmemory", {"custom_instructions": "Be brief."})

    settings.SECRET_KEY_FALLBACKS = []
    kept = EmbeddingSpace.objects.get(model="other").settings
    assert kept.resolve_key() == "sk-a-key-of-a-provider"


def test_going_back_embeds_what_has_come_since_and_then_searches_there(alice, olga, fake, memories):
    change_to(olga, remote(fake))
    new = alice.remember("The samovar is from Tula.")
    alice.put(f"/memories/{memories[0].pk}", {"memory_content": "Coffee, by now."})
    reembed()

    command("--back")
    job = reembed()

    assert job.result["embedded"] == 2
    assert states() == {BGE: "active", "other": "kept"}
    assert olga.get("/config/mem0/embedder").json()["provider"] == "local"
    assert BGE in spaces_of(new["id"])


def test_going_back_needs_something_to_go_back_to(olga):
    with pytest.raises(CommandError, match="There is no earlier embedding space to roll back to"):
        command("--back")
    assert command("--drop") == "There are no vectors to drop.\n"
    assert json.loads(command("--drop", "--json")) == {"ok": True, "dropped": []}


def test_what_is_not_in_use_is_dropped_once_no_search_can_be_using_it(olga, fake):
    change_to(olga, remote(fake))
    with pytest.raises(CommandError, match="may still be using"):
        command("--drop")
    long_ago()

    said = command("--drop")

    assert "40 vectors dropped" in said
    assert states() == {"other": "active"}
    assert Embedding.objects.count() == 40


def test_a_drop_that_was_interrupted_is_ended_by_the_next(olga, fake):
    change_to(olga, remote(fake))
    long_ago()
    [kept] = migration.droppable()
    next(migration.drop_vectors(kept))
    assert states()[BGE] == "dropping"

    command("--drop")

    assert states() == {"other": "active"}


def test_paused_it_goes_on_when_begun_again(alice, olga, fake, settings):
    settings.REEMBED_HOLD = True
    change_to(olga, remote(fake))
    command("--pause")
    assert states() == {BGE: "active", "other": "paused"}
    made = alice.remember("The samovar is from Tula.")
    reembed()
    assert spaces_of(made["id"]) == {BGE}

    command()
    reembed()

    assert states() == {BGE: "kept", "other": "active"}
    assert spaces_of(made["id"]) == {BGE, "other"}


def test_a_cancelled_job_leaves_its_space_alone(olga, fake):
    choose(olga, remote(fake))
    [job] = Job.objects.unfinished()

    answer = olga.post(f"/jobs/{job.pk}/cancel")

    assert answer.json()["state"] == "cancelled"
    assert reembed().pk == job.pk
    assert states() == {BGE: "active"}


def test_giving_up_stays_with_the_present_model(olga, fake, settings):
    settings.REEMBED_HOLD = True
    change_to(olga, remote(fake))

    command("--cancel")

    assert states() == {BGE: "active", "other": "paused"}
    assert olga.get("/config/mem0/embedder").json()["provider"] == "local"
    assert not Job.objects.unfinished().exists()


def test_a_command_chooses_a_model_too_and_says_how_far_it_is(olga, fake):
    chosen = ("--provider", "vllm", "--model", "other", "--base-url", fake.base_url, "--hold")
    started = json.loads(command(*chosen, "--json"))
    assert started["configured"] == "vllm/other"
    assert reembed().pk == uuid.UUID(started["job"])

    status = command("--status")

    assert "local/bge-small-en-v1.5 (384): current, 40 of 40 memories" in status
    assert "vllm/other (96): filling, 40 of 40 memories" in status
    assert "of the ten nearest of 40 memories" in status
    assert "succeeded, 40 of 40" in status
    facts = json.loads(command("--status", "--json"))
    assert facts["job"] == {
        "id": started["job"], "state": "succeeded", "done": 40, "total": 40, "error": None,
    }  # fmt: skip
    current, filling = facts["spaces"]
    assert current == {
        "space": "local/bge-small-en-v1.5 (384)", "state": "active", "comparison": None,
        "vectors": 40, "memories": 40, "exact": True,
    }  # fmt: skip
    assert (filling["state"], filling["comparison"]["queries"]) == ("filling", 40)


def test_a_command_refuses_what_the_api_refuses(olga):
    with pytest.raises(CommandError, match="provider: This is not one of local, openai"):
        command("--provider", "nobody")
    with pytest.raises(CommandError, match="dimensions: "):
        command("--provider", "vllm", "--model", "other", "--dimensions", "4001")
    with pytest.raises(CommandError, match="Enter the name of a model"):
        command("--provider", "vllm")


def test_the_number_of_dimensions_can_be_chosen(olga, fake):
    change_to(olga, remote(fake, dimensions=4000))

    space = EmbeddingSpace.objects.current()
    assert (space.model, space.dimensions, vectors_in(space)) == ("other", 4000, 40)


def test_the_same_model_with_other_dimensions_is_another_space(olga, fake):
    change_to(olga, remote(fake))
    change_to(olga, remote(fake, dimensions=64))

    assert EmbeddingSpace.objects.current().dimensions == 64
    assert EmbeddingSpace.objects.filter(model="other").count() == 2


def test_vectors_that_are_too_long_are_refused(olga, fake):
    fake.dimensions = 4001

    job = change_to(olga, remote(fake))

    assert (job.state, job.error["code"]) == ("failed", "too_many_dimensions")


def test_a_model_that_changes_its_dimensions_is_refused(alice, olga, fake):
    change_to(olga, remote(fake))
    fake.dimensions = 97
    made = alice.remember("The samovar is from Tula.")

    reembed()

    [job] = Job.objects.filter(kind="embed_new")
    assert (job.state, job.error["code"]) == ("failed", "wrong_dimensions")
    assert found_by(alice, "samovar")[0] == made["text"]


def test_what_the_environment_chose_is_followed_when_the_server_starts(olga, fake, settings):
    settings.MODEL_DEFAULTS = {
        **settings.MODEL_DEFAULTS,
        "embedder": {"provider": "vllm", "model": "other", "base_url": fake.base_url},
    }

    migration.apply_environment(by=olga.user)
    migration.apply_environment(by=olga.user)

    assert reembed().result["switched"] is True
    assert Job.objects.count() == 1
    assert states() == {BGE: "kept", "other": "active"}


def test_the_key_of_the_environment_is_not_sent_to_the_server_it_was_for_before(
    monkeypatch, olga, fake, settings
):
    monkeypatch.setenv("EMBEDDER_API_KEY", "sk-first")
    said = {"provider": "vllm", "model": "other", "base_url": fake.base_url}
    settings.MODEL_DEFAULTS = {**settings.MODEL_DEFAULTS, "embedder": said}
    migration.apply_environment(by=olga.user)
    reembed()
    assert EmbeddingSpace.objects.current().settings.resolve_key() == "sk-first"

    settings.MODEL_DEFAULTS = {
        **settings.MODEL_DEFAULTS,
        "embedder": {**said, "base_url": "http://127.0.0.1:1/v1"},
    }

    assert EmbeddingSpace.objects.current().settings.resolve_key() is None


def test_what_lacks_a_vector_in_the_model_in_use_is_embedded_by_the_command(alice, olga, fake):
    change_to(olga, remote(fake))
    fake.fault = Fault.KEY
    alice.remember("The samovar is from Tula.")
    reembed()
    fake.fault = None

    command()
    job = reembed()

    assert job.result["embedded"] == 1
    space = EmbeddingSpace.objects.current()
    assert vectors_in(space) == Memory.objects.count()
    assert effective.current_settings().embedder.model == "other"


def test_whoever_is_named_and_is_no_operator_cannot_do_this(alice):
    with pytest.raises(CommandError, match="'alice' is not an operator"):
        command("--provider", "openai", "--as", "alice")
