"""What came by Mem0's API is seen by REST, MCP, the person's pages and the admin, and back."""

import pytest
from django.test import Client as Browser
from django.urls import reverse

from accounts.models import ApiKey, SignInLink, User
from memories.models import Memory
from tests.admin.conftest import browser_of
from tests.agents.agent import Agent


@pytest.fixture
def claude(shop):
    """An agent of the person whose account it is."""
    return Agent(shop.member.with_key(app_name="claude").secret)


@pytest.fixture
def browser(shop):
    browser = Browser()
    browser.post("/sign-in/link", {"token": SignInLink.objects.issue(shop.member.user)})
    return browser


def recall(agent, query="What do I drink?"):
    return agent.call("search_memories", query=query).text


def test_claude_and_n8n_share_the_memory_of_a_person(shop, claude, browser):
    """Both use the person's id."""
    [pk] = shop.add("I drink tea", user_id="alice", agent_id="n8n")
    claude.call("add_memory", text="I live in Bonn", infer=False)

    assert "I drink tea" in recall(claude)
    assert shop.texts({"user_id": "alice"}) == {"I drink tea", "I live in Bonn"}
    listed = shop.member.get("/memories").json()["items"]
    assert {each["content"] for each in listed} == {"I drink tea", "I live in Bonn"}
    page = browser.get("/memories").content.decode()
    assert "I drink tea" in page
    assert "I live in Bonn" in page

    shop.put(f"/v1/memories/{pk}/", {"text": "I drink coffee"})
    assert "coffee" in recall(claude)
    shop.member.delete("/memories", {"memory_ids": [pk]})
    assert shop.texts({"user_id": "alice"}) == {"I live in Bonn"}
    assert shop.get(f"/v1/memories/{pk}/").status_code == 404


def test_a_person_who_is_an_end_user_has_a_claude_of_their_own(shop):
    shop.add("I drink tea", user_id="ann")
    shop.add("I drink rum", user_id="ben")
    _, secret = ApiKey.objects.issue(user=User.objects.get(external_id="ann"), app_name="claude")

    agent = Agent(secret)
    assert "I drink tea" in recall(agent)
    assert "rum" not in recall(agent)
    agent.call("add_memory", text="I live in Bonn", infer=False)
    assert shop.texts({"user_id": "ann"}) == {"I drink tea", "I live in Bonn"}


def test_rest_sees_an_end_user_as_the_account_names_them(shop):
    """With a key that may name end users."""
    [pk] = shop.add("I drink tea", user_id="ann", run_id="r1", app_id="desk")
    namer = shop.member.with_key(names_end_users=True)

    [item] = namer.get("/memories", {"user_id": "ann"}).json()["items"]
    assert (item["id"], item["app_name"], item["conversation"]) == (pk, "desk", "r1")
    namer.remember("I live in Bonn", user_id="ann", infer=False)
    assert shop.texts({"user_id": "ann"}) == {"I drink tea", "I live in Bonn"}
    assert shop.texts({"user_id": "ann", "run_id": "r1"}) == {"I drink tea"}


def test_the_admin_shows_and_changes_it(shop):
    [pk] = shop.add("I drink tea", user_id="ann", agent_id="cook")

    operator = browser_of(User.objects.create_superuser("root", "correct horse battery staple"))
    page = operator.get(reverse("admin:memories_memory_change", args=[pk]))
    assert page.status_code == 200
    shown = page.content.decode()
    assert "I drink tea" in shown
    assert "cook" in shown
    assert "(ann)" in shown

    Memory.objects.filter(pk=pk).change_state("paused", by=None)
    assert shop.texts({"user_id": "ann"}) == set()
    assert shop.get(f"/v1/memories/{pk}/").status_code == 200
