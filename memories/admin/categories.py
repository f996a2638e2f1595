"""The categories of all users: rename them, and merge those that mean the same."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from core.admin.buttons import DialogForm, button, redirect_browser
from core.admin.model_admin import BoundedList, ModelAdmin
from core.errors import OpenMemoryError
from memories.categories.merge import (
    NameTaken,
    NothingToMerge,
    free_former_name,
    merge_categories,
    rename_category,
)
from memories.limits import MAX_CATEGORY_NAME
from memories.models import Category

from .counts import count_memories, format_count

EXPLANATION = (
    "All memories of the other categories move to the one that you choose. No memory is changed or "
    "lost. The other names then lead to the chosen category wherever they are used. A merge cannot "
    "be undone: which memory came from which category is not recorded."
)

MAX_NAMES = 100

# An operator does not compare more than these.
MAX_MERGED = 20


class NameForm(DialogForm):
    name = forms.CharField(
        max_length=MAX_CATEGORY_NAME,
        widget=UnfoldAdminTextInputWidget,
        help_text="In lower case, without commas.",
    )


class FormerNameForm(DialogForm):
    former_name = forms.ChoiceField(widget=UnfoldAdminSelectWidget)

    def __init__(self, *args: Any, object_id: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, object_id=object_id, **kwargs)
        former = Category.objects.filter(merged_into=object_id).order_by("name")[:MAX_NAMES]
        self.names = {str(category.pk): category.name for category in former}
        self.fields["former_name"].choices = list(self.names.items())


class CategoryList(BoundedList):
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        counts = count_memories([category.pk for category in self.result_list])
        for category in self.result_list:
            category.memory_count = counts[category.pk]


@admin.register(Category)
class CategoryAdmin(ModelAdmin):
    list_display = ("name", "shown_description", "shown_count", "updated_at")
    ordering = ("name",)
    search_fields = ("name__startswith",)
    search_help_text = "The start of a name"
    fields = ("name", "description", "former_names", "shown_count", "created_at", "updated_at")
    readonly_fields = ("name", "former_names", "shown_count", "created_at", "updated_at")
    actions = ("merge_selected",)
    actions_detail = ("rename", "free_name")
    audit_name_field = "name"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).canonical()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CategoryList]:
        return CategoryList

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # the first memory of a category creates it

    def save_model(self, request: HttpRequest, obj: Category, form: Any, change: bool) -> None:
        # Only these: it may have been merged or renamed since it was read.
        obj.save(update_fields=[*form.changed_data, "updated_at"])

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.merge)
        return [path("merge/", page, name="memories_category_merge"), *super().get_urls()]

    @display(description="Description")
    def shown_description(self, category: Category) -> str:
        return category.description or "-"

    @display(description="Memories")
    def shown_count(self, category: Category) -> str:
        count: int | None = getattr(category, "memory_count", None)
        return format_count(count_memories([category.pk])[category.pk] if count is None else count)

    @display(description="Former names")
    def former_names(self, category: Category) -> str:
        names = category.former_names.order_by("name").values_list("name", flat=True)
        return ", ".join(names[:MAX_NAMES]) or "none"

    @button("Rename", icon="edit", description="Its current name still leads to it.", form=NameForm)
    def rename(self, request: HttpRequest, category: Category, form: NameForm) -> Any:
        try:
            rename_category(category.pk, form.cleaned_data["name"])
        except NameTaken as taken:
            self.message_user(request, taken.detail, messages.WARNING)
            return redirect_browser(request, _merge_page([category.pk, taken.other.pk]))
        return f"“{category}” was renamed “{form.cleaned_data['name']}”."

    @button(
        "Free former name",
        icon="link_off",
        description="The name no longer leads to this category: the next memory with it creates a "
        "category of its own. Merged memories stay where they are.",
        form=FormerNameForm,
        available_for=lambda category: category.former_names.exists(),
    )
    def free_name(self, request: HttpRequest, category: Category, form: FormerNameForm) -> str:
        former_name = form.cleaned_data["former_name"]
        free_former_name(uuid.UUID(former_name))
        return f"“{form.names[former_name]}” no longer leads to “{category}”."

    @admin.action(description="Merge selected categories …", permissions=["operate"])
    def merge_selected(self, request: HttpRequest, categories: Any) -> HttpResponse:
        return HttpResponseRedirect(_merge_page(list(categories.values_list("pk", flat=True))))

    def merge(self, request: HttpRequest) -> HttpResponse:
        """Ask which of the selected categories the others are merged into, and merge them."""
        if not self.has_operate_permission(request):
            raise PermissionDenied
        form = MergeForm(request.POST or None, ids=request.GET.getlist("id"))
        if len(form.counts) < 2:
            self.message_user(request, NothingToMerge().detail, messages.ERROR)
            return HttpResponseRedirect(reverse("admin:memories_category_changelist"))
        if request.method == "POST" and form.is_valid():
            return self._merge(request, list(form.counts), form.cleaned_data["into"])
        context = {
            **self.admin_site.each_context(request),
            "title": "Merge categories",
            "opts": self.opts,
            "form": form,
            "facts": [
                (category.name, format_count(count)) for category, count in form.counts.items()
            ],
            "explanation": EXPLANATION,
            "label": "Merge",
            "back": reverse("admin:memories_category_changelist"),
        }
        return TemplateResponse(request, "memories/admin/form_page.html", context)

    def _merge(
        self, request: HttpRequest, categories: Sequence[Category], into: str
    ) -> HttpResponse:
        try:
            merged = merge_categories(
                [category.pk for category in categories], into=uuid.UUID(into)
            )
        except OpenMemoryError as error:
            self.message_user(request, error.detail, messages.ERROR)
            return HttpResponseRedirect(reverse("admin:memories_category_changelist"))
        others = ", ".join(f"“{other}”" for other in categories if other.pk != merged.into.pk)
        message = f"Merged {others} into “{merged.into}”: {format_count(merged.moved)} moved"
        message += f", {merged.duplicates:,} were in it already." if merged.duplicates else "."
        self.message_user(request, message, messages.SUCCESS)
        self.log_change(request, merged.into, message)
        page = reverse("admin:memories_category_change", args=[merged.into.pk])
        return HttpResponseRedirect(page)


class MergeForm(forms.Form):
    into = forms.ChoiceField(label="Merge into", widget=UnfoldAdminSelectWidget)

    def __init__(self, data: Any, *, ids: Sequence[str]) -> None:
        super().__init__(data)
        selected = Category.objects.canonical().filter(pk__in=_parse_ids(ids)[:MAX_MERGED])
        categories = list(selected.order_by("name"))
        counts = count_memories([category.pk for category in categories])
        # The largest first: it is nearly always the right choice.
        categories.sort(key=lambda category: -counts[category.pk])
        self.counts = {category: counts[category.pk] for category in categories}
        self.fields["into"].choices = [  # type: ignore[attr-defined]
            (str(category.pk), category.name) for category in categories
        ]


def _parse_ids(texts: Sequence[str]) -> list[uuid.UUID]:
    ids = []
    for text in texts:
        try:
            ids.append(uuid.UUID(text))
        except ValueError:
            continue
    return ids


def _merge_page(ids: Sequence[uuid.UUID]) -> str:
    query = "&".join(f"id={pk}" for pk in ids)
    return f"{reverse('admin:memories_category_merge')}?{query}"
