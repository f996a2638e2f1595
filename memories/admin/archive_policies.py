"""The archive policies: which memories are archived after how many days without a change."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from core.admin.buttons import button
from core.admin.model_admin import ModelAdmin
from core.admin.paginator import MAX_ROWS, MoreThan
from core.admin.statement_timeout import TooSlow, limit_statements
from core.quantities import with_noun
from memories.lifecycle import archive
from memories.models import ArchivePolicy

from .acting_operator import operator
from .counts import format_count

# Of the preview: for a policy on a rare category, it reads many memories.
TIMEOUT_SECONDS = 2


@admin.register(ArchivePolicy)
class ArchivePolicyAdmin(ModelAdmin):
    list_display = (
        "name", "days", "user", "app_name", "category", "is_active", "archived", "followed_at",
    )  # fmt: skip
    list_display_links = ("name",)
    list_select_related = ("user", "category")
    list_filter = ("is_active", ("user", AutocompleteSelectFilter))
    ordering = ("created_at", "id")
    autocomplete_fields = ("user", "category")
    fieldsets = (
        (None, {"fields": ("days", "user", "app_name", "category", "is_active")}),
        ("Effect", {"fields": ("due_now", "archived", "followed_at", "made_by")}),
    )
    readonly_fields = ("due_now", "archived", "followed_at", "made_by")
    actions_detail = ("run_now",)

    def get_fieldsets(self, request: HttpRequest, obj: ArchivePolicy | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        return fieldsets if obj else fieldsets[:1]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Deletes only the policy: what it has archived stays archived.
        return bool(request.user.has_perm("memories.delete_archivepolicy"))

    def save_model(
        self, request: HttpRequest, obj: ArchivePolicy, form: ModelForm, change: bool
    ) -> None:
        if change:
            # Not its counters, which a job may have updated since it was read.
            obj.save(update_fields=form.changed_data)
        else:
            obj.made_by = operator(request)
            obj.save()

    @display(description="Policy")
    def name(self, policy: ArchivePolicy) -> str:
        return f"After {with_noun(policy.days, 'day')}"

    @display(description="Memories to archive now")
    def due_now(self, policy: ArchivePolicy) -> SafeString | str:
        try:
            with limit_statements(TIMEOUT_SECONDS):
                count = policy.due().order_by().values("pk")[: MAX_ROWS + 1].count()
        except TooSlow:
            return "too many to count in two seconds"
        number = format_count(MoreThan(MAX_ROWS) if count > MAX_ROWS else count)
        return format_html("{}{}", number, "" if policy.is_active else ", if it were active")

    @button(
        "Run now",
        icon="inventory_2",
        description="A job archives the memories that match. Their history gives the policy as the "
        "reason, and each memory can be restored.",
        available_for=lambda policy: policy.is_active,
    )
    def run_now(self, request: HttpRequest, policy: ArchivePolicy, form: object) -> str:
        job = archive.enqueue_policy(policy, by=operator(request))
        return f"Job {job.pk} applies the policy."
