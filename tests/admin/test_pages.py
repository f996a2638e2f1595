"""What holds for every page of a model that is registered, now and later."""

import pytest
from django.contrib import admin
from django.contrib.admin.filters import RelatedFieldListFilter
from django.db.models import ForeignKey, ManyToManyField
from django.urls import reverse
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from core.admin import navigation
from core.admin.model_admin import ModelAdmin

PAGES = {model._meta.label_lower: page for model, page in admin.site._registry.items()}
STATEMENTS = 14

# Of these there are as many as operators make by hand.
FEW = {"memories.archivepolicy"}


def list_of(page):
    return reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_changelist")


@pytest.mark.parametrize("label", PAGES)
def test_it_has_what_all_pages_have(label):
    assert isinstance(PAGES[label], ModelAdmin)


@pytest.mark.parametrize("label", PAGES)
def test_its_list_asks_a_bounded_number_of_statements(
    label, browser, django_assert_max_num_queries
):
    browser.get(list_of(PAGES[label]))  # what is remembered of content types is

    with django_assert_max_num_queries(STATEMENTS):
        answer = browser.get(list_of(PAGES[label]))

    assert answer.status_code == 200


@pytest.mark.parametrize("label", PAGES.keys() - FEW)
def test_its_list_is_ordered_by_a_column_with_an_index(label):
    page = PAGES[label]

    first = (page.ordering or page.opts.ordering)[0].removeprefix("-")
    field = page.opts.get_field("id" if first == "pk" else first)

    indexed = {index.fields[0].removeprefix("-") for index in page.opts.indexes if index.fields}
    together = {next(iter(rule.fields)) for rule in page.opts.total_unique_constraints}
    assert field.db_index or field.unique or field.name in indexed | together


@pytest.mark.parametrize("label", PAGES)
def test_nothing_is_chosen_from_a_list_without_end(label):
    page = PAGES[label]
    searched = {*page.autocomplete_fields, *page.raw_id_fields, *page.select_fields}

    for field in [*page.opts.fields, *page.opts.many_to_many]:
        if isinstance(field, ForeignKey | ManyToManyField):
            assert field.name in searched
    for entry in page.list_filter:
        kind = entry[1] if isinstance(entry, tuple) else None
        if kind and issubclass(kind, RelatedFieldListFilter):
            assert issubclass(kind, AutocompleteSelectFilter)
        elif isinstance(entry, str) and "__" not in entry:
            assert not page.opts.get_field(entry).is_relation


@pytest.mark.parametrize("label", PAGES)
def test_who_only_sees_changes_nothing(label, reading):
    page = PAGES[label]

    assert reading.get(list_of(page)).status_code == 200
    address = reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_add")
    assert reading.get(address).status_code == 403


@pytest.mark.parametrize("label", PAGES)
def test_who_may_see_nothing_sees_nothing(label, client, django_user_model, db):
    nobody = django_user_model.objects.create_user("nobody", is_staff=True)
    client.force_login(nobody)

    assert client.get(list_of(PAGES[label])).status_code == 403


def test_every_page_stands_in_the_sidebar():
    listed = {item.target for group in navigation.GROUPS for item in group.items}

    assert listed >= set(PAGES)


def test_the_sidebar_shows_only_what_one_may_see(client, browser, django_user_model, db):
    nobody = django_user_model.objects.create_user("nobody", is_staff=True)
    client.force_login(nobody)

    assert "/admin/accounts/user/" in browser.get("/admin/").content.decode()
    assert "/admin/accounts/user/" not in client.get("/admin/").content.decode()
