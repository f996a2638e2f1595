"""The pages of embedding spaces: another model is started, compared, and gone over to."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from configuration import effective as configuration
from jobs.models import Job
from memories.models import EmbeddingSpace
from tests.admin.memories import PRESSED, text_of
from tests.memories.spaces import fake, reembed, states
from tests.memories.stock import stock
from tests.memories.test_reembed_control import BGE, long_ago

pytestmark = pytest.mark.slow

__all__ = ["fake"]

LIST = "/admin/memories/embeddingspace/"
START = f"{LIST}start/"
BUTTONS = (
    "switch",
    "hold",
    "pause",
    "cancel",
    "resume",
    "roll_back",
    "backfill",
    "compare",
    "drop",
)


@pytest.fixture(autouse=True)
def memories(alice):
    return stock(alice.user, [f"Tea number {number}." for number in range(20)])


def page_of(space: EmbeddingSpace) -> str:
    return reverse("admin:memories_embeddingspace_change", args=[space.pk])


def button_of(space: EmbeddingSpace, name: str) -> str:
    return reverse(f"admin:memories_embeddingspace_{name}", args=[space.pk])


def press(browser: Any, name: str, model: str = "other") -> str:
    """Press a button that is there, and return what is told then."""
    space = EmbeddingSpace.objects.get(model=model)
    assert button_of(space, name) in text_of(browser, page_of(space))
    answer = browser.post(button_of(space, name), PRESSED)
    assert answer.status_code == 302, answer
    return text_of(browser, LIST)


def start(browser: Any, fake: Any, **more: Any) -> Any:
    sent = {"provider": "vllm", "model": "other", "base_url": fake.base_url, **more}
    return browser.post(START, sent)


def test_the_list_tells_how_full_each_is(browser, django_assert_max_num_queries):
    browser.get(LIST)

    with django_assert_max_num_queries(15):
        page = text_of(browser, LIST)

    assert "local/bge-small-en-v1.5" in page
    assert "100 % · 20 of 20" in page
    assert "There was no migration yet." in page


def test_another_model_is_started_and_gone_over_to(browser, root, fake):
    answer = start(browser, fake)
    assert answer.headers["Location"] == LIST
    assert "is queued" in text_of(browser, LIST)

    job = reembed()

    assert (job.owner, job.result["switched"]) == (root, True)
    assert states() == {BGE: "kept", "other": "active"}
    assert "kept for rollback" in text_of(browser, LIST)
    assert LogEntry.objects.get().user == root


def test_held_it_is_compared_and_switched_to_later(browser, fake):
    start(browser, fake, hold="on")
    reembed()
    assert states() == {BGE: "active", "other": "filling"}
    assert "of the nearest ten of 20 memories" in text_of(browser, LIST)

    press(browser, "switch")
    reembed()

    assert states() == {BGE: "kept", "other": "active"}


def test_it_is_held_while_it_is_filled(browser, fake):
    start(browser, fake)
    reembed()
    press(browser, "roll_back", model=BGE)
    reembed()
    start(browser, fake, model="third")
    job = Job.objects.unfinished().get()
    EmbeddingSpace.objects.create(provider="vllm", model="third", dimensions=96, state="filling")

    press(browser, "hold", model="third")

    job.refresh_from_db()
    assert job.parameters == {"hold": True}


def test_it_is_paused_and_gone_on_with(browser, fake):
    start(browser, fake, hold="on")
    reembed()

    press(browser, "pause")
    assert states() == {BGE: "active", "other": "paused"}

    press(browser, "resume")
    reembed()
    assert states() == {BGE: "kept", "other": "active"}


@pytest.mark.parametrize("name", ["switch", "hold", "pause", "cancel"])
def test_a_space_that_is_not_filled_any_more_leaves_the_next_one_alone(browser, fake, name):
    start(browser, fake, hold="on")
    reembed()
    start(browser, fake, model="third", hold="on" if name == "switch" else "")
    job = Job.objects.unfinished().get()

    left = EmbeddingSpace.objects.get(model="other")
    browser.post(button_of(left, name), PRESSED)  # on a page that was opened before

    assert "has changed since its page was opened" in text_of(browser, LIST)
    again = Job.objects.unfinished().get()
    assert (again, again.parameters) == (job, job.parameters)
    assert configuration.current_settings().embedder.model == "third"


def test_it_is_given_up(browser, fake):
    start(browser, fake, hold="on")
    reembed()

    press(browser, "cancel")

    assert states() == {BGE: "active", "other": "paused"}
    assert configuration.current_settings().embedder.is_local


def test_one_goes_back_to_the_former_model_and_drops_the_other(browser, fake):
    start(browser, fake)
    reembed()

    press(browser, "roll_back", model=BGE)
    reembed()
    assert states() == {BGE: "active", "other": "kept"}

    press(browser, "compare")
    long_ago()
    press(browser, "drop")
    reembed()
    assert states() == {BGE: "active"}


def test_what_is_missing_is_embedded(browser):
    press(browser, "backfill", model=BGE)

    assert reembed().state == "succeeded"


def test_what_is_missing_waits_while_another_model_is_wanted(browser, fake):
    start(browser, fake, hold="on")
    job = reembed()
    space = EmbeddingSpace.objects.current()

    answer = browser.post(button_of(space, "backfill"), PRESSED, follow=True)

    assert "is configured. Finish or cancel that migration first." in answer.content.decode()
    assert Job.objects.get() == job


def test_what_is_searched_is_not_dropped(browser):
    space = EmbeddingSpace.objects.current()
    assert button_of(space, "drop") not in text_of(browser, page_of(space))

    answer = browser.post(button_of(space, "drop"), PRESSED, follow=True)

    assert "has changed since its page was opened" in answer.content.decode()
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        ({"provider": "nobody"}, "nobody is not one of"),
        ({"provider": "vllm", "base_url": "http://127.0.0.1:1/v1"}, "Enter the name of a model of"),
        ({"provider": "vllm", "model": "x", "base_url": "not an address"}, "address"),
        ({"provider": "vllm", "model": "x", "dimensions": "4001"}, "4000"),
        ({"provider": "local", "model": "other"}, "The built-in embedding models are"),
        ({"provider": "vllm", "model": "x" * 256}, "255"),
    ],
)
def test_what_the_api_refuses_is_refused(browser, sent, why):
    before = configuration.current_settings()

    answer = browser.post(START, sent)

    assert answer.status_code == 200
    assert why in answer.content.decode()
    assert configuration.current_settings() == before
    assert not Job.objects.exists()


def test_a_key_is_never_shown(browser, fake):
    start(browser, fake, api_key="sk-a-key-of-a-provider", hold="on")
    reembed()
    space = EmbeddingSpace.objects.get(model="other")

    for address in (LIST, START, page_of(space)):
        assert "sk-a-key" not in text_of(browser, address)
    assert "sk-a-key" not in str(list(LogEntry.objects.values()))


def test_who_only_sees_can_do_nothing(reading, fake):
    space = EmbeddingSpace.objects.current()
    page = text_of(reading, page_of(space)) + text_of(reading, LIST)
    assert START not in page

    assert reading.get(START).status_code == 403
    assert start(reading, fake).status_code == 403
    for name in BUTTONS:
        assert button_of(space, name) not in page
        assert reading.post(button_of(space, name), PRESSED).status_code == 403
    assert states() == {BGE: "active"}
    assert not Job.objects.exists()


def test_strangers_are_sent_to_sign_in(client, fake):
    space = EmbeddingSpace.objects.current()

    for address in (LIST, START, page_of(space), *(button_of(space, name) for name in BUTTONS)):
        assert "/admin/login/" in client.post(address, PRESSED).headers["Location"]
    assert not Job.objects.exists()
