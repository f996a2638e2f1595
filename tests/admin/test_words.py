"""What the admin calls things: one name for each page, and words in place of names of classes."""

from __future__ import annotations

import re

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.db.models import CASCADE, ForeignKey
from django.urls import reverse

from accounts.models import ApiKey, User
from apps_registry.models import App
from configuration.models import ConfigurationChange
from core.admin import navigation
from core.quantities import with_noun
from memories.models import Memory
from operators.belongings import get_belongings
from operators.models import Receipt
from operators.removed_words import NOUNS

LISTS = [item for group in navigation.GROUPS for item in group.items if "." in item.target]


def title_of(page):
    return re.search(r"<title>\s*(.*?)\s*</title>", page, re.S)[1]


def heading_of(page):
    """The way to the page, as the head of it shows."""
    head = re.search(r"<h1[^>]*>(.*?)</h1>", page, re.S)[1]
    parts = re.findall(r"<(?:a|span)[^>]*truncate[^>]*>(.*?)</", head, re.S)
    return [part.strip() for part in parts]


def page_of(browser, address):
    answer = browser.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("item", LISTS, ids=lambda item: item.target)
def test_a_list_has_the_name_of_the_sidebar(browser, item):
    page = page_of(browser, reverse(f"admin:{item.target.replace('.', '_')}_changelist"))

    assert title_of(page) == f"{item.title} | OpenMemory"
    assert heading_of(page) == [item.title]


def test_pages_of_an_object_are_named_after_it_and_keep_its_case(browser, alice):
    address = reverse("admin:accounts_user_change", args=[alice.user.pk])

    page = page_of(browser, address)
    history = page_of(browser, reverse("admin:accounts_user_history", args=[alice.user.pk]))
    key = page_of(
        browser, reverse("admin:accounts_apikey_change", args=[ApiKey.objects.first().pk])
    )

    assert (title_of(page), heading_of(page)) == ("alice | Users | OpenMemory", ["Users", "alice"])
    assert title_of(history) == "History | Users | OpenMemory"
    assert heading_of(history) == ["Users", "alice", "History"]
    assert "No operator has changed it in the admin." in history
    assert heading_of(key)[0] == "API keys"
    assert heading_of(key)[1].startswith("om_")


def test_to_add_one_is_named_too(browser):
    assert heading_of(page_of(browser, "/admin/accounts/user/add/")) == ["Users", "Add"]
    assert "Administration administration" not in page_of(browser, "/admin/admin/")


def test_the_history_of_a_memory_is_in_the_log(browser, alice):
    memory = alice.remember("Rex is a dog")
    connection.check_constraints()

    answer = browser.get(reverse("admin:memories_memory_history", args=[memory["id"]]), follow=True)

    page = answer.content.decode()
    assert heading_of(page) == ["Log of changes"]
    assert "stored" in page
    assert memory["id"] in page


@pytest.mark.parametrize("item", LISTS, ids=lambda item: item.target)
def test_lists_sort_by_their_columns(browser, alice, item):
    alice.remember("Rex is a dog")
    address = reverse(f"admin:{item.target.replace('.', '_')}_changelist")
    columns = browser.get(address).context["cl"].list_display

    for number in range(len(columns)):
        assert browser.get(f"{address}?o={number}").status_code == 200
        assert browser.get(f"{address}?o=-{number}").status_code == 200


def test_a_column_of_names_is_sorted_by_name(browser, alice, bob):
    for member in (bob, alice):
        member.remember("Rex is a dog")
    keys = "/admin/accounts/apikey/"
    place = [*browser.get(keys).context["cl"].list_display].index("user")

    def names(order):
        page = page_of(browser, f"{keys}?o={order}{place}")
        return list(dict.fromkeys(re.findall(r">\s*(alice|bob)\s*<", page)))

    assert names("") == ["alice", "bob"]
    assert names("-") == ["bob", "alice"]


def test_what_an_erasure_removes_has_a_name_each():
    kinds = {kind for kind in get_belongings([]) if kind not in NOUNS}
    gone_with_them = {
        model.__name__
        for model in apps.get_models()
        if model.__name__ not in NOUNS and model._meta.managed
        for field in model._meta.fields
        if isinstance(field, ForeignKey)
        and field.related_model in (User, Memory, App)
        and field.remote_field.on_delete is CASCADE
    }

    assert kinds == set()
    assert gone_with_them == set()


def test_a_receipt_says_in_words_what_was_removed(browser, root):
    Receipt.objects.create(
        kind="purge", counts={"Memory": 1, "StateChange": 2000, "Unheard": 3}, made_by=root
    )

    page = page_of(browser, "/admin/operators/receipt/")

    assert "1 memory, 2,000 changes of state, 3 Unheards" in page
    assert "StateChange" not in page


def test_a_change_of_the_configuration_is_no_json(browser, root):
    change = ConfigurationChange.objects.create(
        changed_by=root,
        operator="root",
        changes=[
            {"field": "mem0.llm.provider", "old": "local", "new": "openai"},
            {"field": "mem0.llm.config.model", "old": None, "new": "<b>"},
        ],
    )

    page = page_of(
        browser, reverse("admin:configuration_configurationchange_change", args=[change.pk])
    )

    assert "<strong>mem0.llm.provider</strong>: local → openai" in page
    assert "<strong>mem0.llm.config.model</strong>: the default → &lt;b&gt;" in page
    assert "{&quot;" not in page


def test_the_audit_log_has_no_names_of_columns(browser, root, alice):
    LogEntry.objects.log_actions(root.pk, [alice.user], 2, change_message="Changed.")

    page = page_of(browser, "/admin/admin/logentry/")

    assert "Object repr" not in page
    assert "Action flag" not in page


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 memories"), (1, "1 memory"), (2000, "2,000 memories")]
)
def test_a_number_has_the_form_of_its_noun(number, words):
    assert with_noun(number, "memory", "memories") == words
    assert with_noun(1, "user", shown="≈ 1,000") == "≈ 1,000 users"


def test_one_of_each_is_counted_as_one(browser, alice):
    alice.remember("Rex is a dog")

    page = page_of(browser, reverse("admin:accounts_user_change", args=[alice.user.pk]))

    assert ">1 memory</a>" in page
    assert not re.search(r">1 (memories|apps|jobs)<", page)
