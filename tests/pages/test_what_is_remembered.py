"""The person's settings of what is remembered at all."""

from __future__ import annotations

import html

import pytest

from accounts.models import User
from memories.models import Memory

ILL = "I have asthma and take an inhaler every morning"


def page_of(answer, status=200):
    assert answer.status_code == status, answer.content
    return html.unescape(answer.content.decode())


def test_what_is_chosen_holds_for_all_that_comes(browser, alice):
    assert 'name="infer" checked' in page_of(browser.get("/settings"))

    form = {"categories_not_kept": ["health", "Mine "]}
    assert browser.post("/settings/remembered", form).headers["Location"] == "/settings"

    user = User.objects.get(pk=alice.user.pk)
    assert (user.infer, user.categories_not_kept) == (False, ["health", "mine"])
    page = page_of(browser.get("/settings"))
    assert 'name="infer">' in page
    assert 'value="health" checked' in page
    assert 'value="mine" checked' in page
    assert "You keep no memories of the category health" in page_of(
        browser.post("/memories/new", {"text": ILL}), 409
    )
    assert not Memory.objects.exists()
    browser.post("/settings/remembered", {"infer": "on"})
    assert browser.post("/memories/new", {"text": ILL}).status_code == 302


def test_the_persons_own_categories_can_be_chosen(browser, alice, bob):
    for member, category in ((alice, "drinks"), (bob, "debts")):
        memory = member.remember("I drink tea", infer=False)
        member.patch(f"/memories/{memory['id']}", {"categories": [category]})

    page = page_of(browser.get("/settings"))

    assert 'name="categories_not_kept" value="drinks">' in page
    assert "debts" not in page


@pytest.mark.parametrize(
    "names", [[""], ["a,b"], ["x" * 101], [f"category {number}" for number in range(50)]]
)
def test_what_is_no_category_changes_nothing(browser, alice, names):
    form = {"infer": "on", "categories_not_kept": ["health", *names]}

    page_of(browser.post("/settings/remembered", form), 400)

    assert User.objects.get(pk=alice.user.pk).categories_not_kept == []


def test_the_holder_of_an_account_chooses_for_an_end_user(browser, alice):
    erin = User.objects.create_user("end-user-1", owner=alice.user, external_id="erin")
    browser.post("/end-users/choose", {"end_user": str(erin.pk)})

    browser.post("/settings/remembered", {"about": str(erin.pk)})

    assert not User.objects.get(pk=erin.pk).infer
    assert User.objects.get(pk=alice.user.pk).infer
