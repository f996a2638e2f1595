"""The categories of all users: what they are called, and which of them mean the same."""

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
from memories.categories import merge as merging
from memories.limits import MAX_CATEGORY_NAME
from memories.models import Category

from .counts import count_memories, told

MERGING = (
    "All memories of the others come into the one that you choose, and none is changed or lost. "
    "The others' names lead to it from then on, whoever uses them. It cannot be undone as a whole: "
    "nobody knows afterwards which memory came from where."
)

MOST_NAMES = 100

# More than these are not compared by anybody.
MOST_MERGED = 20


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
        former = Category.objects.filter(merged_into=object_id).order_by("name")[:MOST_NAMES]
        self.names = {str(one.pk): one.name for one in former}
        self.fields["former_name"].choices = list(self.names.items())


class CategoryList(BoundedList):
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        counts = count_memories([category.pk for category in self.result_list])
        for category in self.result_list:
            category.memories_in_it = counts[category.pk]


@admin.register(Category)
class CategoryAdmin(ModelAdmin):
    list_display = ("name", "shown_description", "shown_count", "updated_at")
    ordering = ("name",)
    search_fields = ("name__startswith",)
    search_help_text = "The beginning of a name"
    fields = ("name", "description", "known_as", "shown_count", "created_at", "updated_at")
    readonly_fields = ("name", "known_as", "shown_count", "created_at", "updated_at")
    actions = ("merge_selected",)
    actions_detail = ("rename", "release")
    audit_name_field = "name"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).canonical()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CategoryList]:
        return CategoryList

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # one without a memory is nothing: it is made with the first

    def save_model(self, request: HttpRequest, obj: Category, form: Any, change: bool) -> None:
        # Nothing else: it may have been merged or renamed since it was read.
        obj.save(update_fields=[*form.changed_data, "updated_at"])

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.merge)
        return [path("merge/", page, name="memories_category_merge"), *super().get_urls()]

    @display(description="Description")
    def shown_description(self, category: Category) -> str:
        return category.description or "-"

    @display(description="Memories")
    def shown_count(self, category: Category) -> str:
        known: int | None = getattr(category, "memories_in_it", None)
        return told(count_memories([category.pk])[category.pk] if known is None else known)

    @display(description="Former names")
    def known_as(self, category: Category) -> str:
        names = category.former_names.order_by("name").values_list("name", flat=True)
        return ", ".join(names[:MOST_NAMES]) or "none"

    @button(
        "Rename", icon="edit", description="Its present name goes on leading to it.", form=NameForm
    )
    def rename(self, request: HttpRequest, category: Category, form: NameForm) -> Any:
        try:
            merging.rename_category(category.pk, form.cleaned_data["name"])
        except merging.NameTaken as taken:
            self.message_user(request, taken.detail, messages.WARNING)
            return redirect_browser(request, _merge_page([category.pk, taken.other.pk]))
        return f"“{category}” is called “{form.cleaned_data['name']}” now."

    @button(
        "Release a name",
        icon="link_off",
        description="The name leads here no longer: a category of its own is made once "
        "something is put "
        "there. What was merged stays where it is.",
        form=FormerNameForm,
        available_for=lambda category: category.former_names.exists(),
    )
    def release(self, request: HttpRequest, category: Category, form: FormerNameForm) -> str:
        chosen = form.cleaned_data["former_name"]
        merging.free_former_name(uuid.UUID(chosen))
        return f"“{form.names[chosen]}” no longer leads to “{category}”."

    @admin.action(description="Merge the selected …", permissions=["operate"])
    def merge_selected(self, request: HttpRequest, categories: Any) -> HttpResponse:
        return HttpResponseRedirect(_merge_page(list(categories.values_list("pk", flat=True))))

    def merge(self, request: HttpRequest) -> HttpResponse:
        """Ask into which of the named categories the others are to go, and do it."""
        if not self.has_operate_permission(request):
            raise PermissionDenied
        form = MergeForm(request.POST or None, ids=request.GET.getlist("id"))
        if len(form.counts) < 2:
            self.message_user(request, merging.NothingToMerge().detail, messages.ERROR)
            return HttpResponseRedirect(reverse("admin:memories_category_changelist"))
        if request.method == "POST" and form.is_valid():
            return self._merge(request, list(form.counts), form.cleaned_data["into"])
        context = {
            **self.admin_site.each_context(request),
            "title": "Merge categories",
            "opts": self.opts,
            "form": form,
            "facts": [(one.name, told(count)) for one, count in form.counts.items()],
            "explanation": MERGING,
            "label": "Merge",
            "back": reverse("admin:memories_category_changelist"),
        }
        return TemplateResponse(request, "memories/admin/ask.html", context)

    def _merge(
        self, request: HttpRequest, categories: Sequence[Category], into: str
    ) -> HttpResponse:
        try:
            merged = merging.merge_categories([one.pk for one in categories], into=uuid.UUID(into))
        except OpenMemoryError as error:
            self.message_user(request, error.detail, messages.ERROR)
            return HttpResponseRedirect(reverse("admin:memories_category_changelist"))
        others = ", ".join(f"“{one}”" for one in categories if one.pk != merged.into.pk)
        said = f"Merged {others} into “{merged.into}”: {told(merged.moved)} came into it"
        said += f", {merged.both:,} were in it already." if merged.both else "."
        self.message_user(request, said, messages.SUCCESS)
        self.log_change(request, merged.into, said)
        page = reverse("admin:memories_category_change", args=[merged.into.pk])
        return HttpResponseRedirect(page)


class MergeForm(forms.Form):
    into = forms.ChoiceField(label="Merge into", widget=UnfoldAdminSelectWidget)

    def __init__(self, sent: Any, *, ids: Sequence[str]) -> None:
        super().__init__(sent)
        named = Category.objects.canonical().filter(pk__in=_read_ids(ids)[:MOST_MERGED])
        categories = list(named.order_by("name"))
        counts = count_memories([category.pk for category in categories])
        # The largest first: it is nearly always the one that is meant.
        categories.sort(key=lambda category: -counts[category.pk])
        self.counts = {category: counts[category.pk] for category in categories}
        self.fields["into"].choices = [(str(one.pk), one.name) for one in categories]  # type: ignore[attr-defined]


def _read_ids(ids: Sequence[str]) -> list[uuid.UUID]:
    read = []
    for each in ids:
        try:
            read.append(uuid.UUID(each))
        except ValueError:
            continue
    return read


def _merge_page(ids: Sequence[uuid.UUID]) -> str:
    query = "&".join(f"id={pk}" for pk in ids)
    return f"{reverse('admin:memories_category_merge')}?{query}"
