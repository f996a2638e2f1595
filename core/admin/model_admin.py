"""Base classes of all model pages of the admin.

They bound what a page costs: rows counted, objects offered as choices, and seconds of a statement.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import unfold.admin
import unfold.views
from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import LogEntry
from django.contrib.admin.sites import AdminSite
from django.contrib.admin.views.main import ERROR_FLAG
from django.contrib.auth import get_permission_codename
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponseRedirect, QueryDict
from django.utils.text import capfirst

from . import audit_log, statement_timeout
from .navigation import find_title
from .paginator import BoundedPaginator


class BoundedChoices:
    """Select related objects by search or by id, never from a list of all of them."""

    # Relations to few objects, which are offered as a list.
    select_fields: ClassVar[tuple[str, ...]] = ()

    def __init__(self, model: type[Model], admin_site: AdminSite) -> None:
        # An inline is passed its parent model here and declares its own.
        meta = getattr(self, "model", model)._meta
        fields = [*meta.fields, *meta.many_to_many]
        other_widgets = {*self.autocomplete_fields, *self.select_fields}  # type: ignore[attr-defined]
        self.raw_id_fields = [
            field.name for field in fields if field.is_relation and field.name not in other_widgets
        ]
        super().__init__(model, admin_site)  # type: ignore[call-arg]


class BoundedList(unfold.views.ChangeList):
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not self.query and not self.has_active_filters:
            self.full_result_count = self.result_count  # there are no more

    def get_ordering_field(self, field_name: str) -> Any:
        """What a column sorts by: for a related object its name, not its key."""
        name = super().get_ordering_field(field_name)
        field = self._relations.get(name)
        related = self.model_admin.admin_site._registry.get(field.related_model) if field else None
        by = getattr(related, "audit_name_field", "pk")
        return name if by == "pk" else f"{name}__{by}"

    @property
    def _relations(self) -> dict[Any, Any]:
        return {field.name: field for field in self.lookup_opts.fields if field.is_relation}


class TabularInline(BoundedChoices, unfold.admin.TabularInline):
    extra = 0
    per_page = 20
    show_change_link = False


class ModelAdmin(BoundedChoices, unfold.admin.ModelAdmin):
    """Declare `list_display`, `ordering` by an indexed column, and `search_fields`.

    Deleting is off: override `has_delete_permission` to allow it.
    """

    paginator = BoundedPaginator
    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    list_disable_select_all = True
    list_filter_submit = True
    # All columns of the database. A sort that takes too long is stopped, as any statement is.
    sortable_by: ClassVar[tuple[str, ...] | None] = None
    warn_unsaved_form = True

    # The attribute that names an object in the audit log. Never the content of a memory.
    audit_name_field: ClassVar[str] = "pk"

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_operate_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whether this operator can use the buttons of this page."""
        name = get_permission_codename("change", self.opts)
        return request.user.has_perm(f"{self.opts.app_label}.{name}")

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        buttons = super().get_actions_detail(request, object_id)
        obj = self.get_object(request, object_id) if buttons else None
        return [
            button for button in buttons if obj is not None and _is_available(button.method, obj)
        ]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[BoundedList]:
        return BoundedList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        render = super().changelist_view
        extra_context = {"title": self.list_title, **(extra_context or {})}
        if request.method != "GET":  # an action, which has its own transactions
            return render(request, extra_context)
        page = statement_timeout.render_within_timeout(lambda: render(request, extra_context))
        # Django drops what it cannot filter by, and leads to the whole list.
        if isinstance(page, HttpResponseRedirect) and page.url.endswith(f"?{ERROR_FLAG}=1"):
            said = f"This list has no such filter: {_quote(request.GET)}. It shows everything."
            messages.warning(request, said)
        return page

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """Run the action, unless the form names rows that cannot be."""
        try:
            for key in request.POST.getlist(ACTION_CHECKBOX_NAME):
                self.opts.pk.to_python(key)
        except ValidationError:
            messages.error(request, "Nothing was done: a chosen row has no valid id.")
            return None  # which leads back to the list
        return super().response_action(request, queryset)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        title = {"title": self.list_title} if object_id else {}
        context = {**title, **(extra_context or {})}
        return super().changeform_view(request, object_id, form_url, context)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> Any:
        context = {"title": f"History | {self.list_title}", **(extra_context or {})}
        return super().history_view(request, object_id, context)

    @property
    def list_title(self) -> str:
        """What the sidebar calls the list of these."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_changelist"
        return find_title(name) or capfirst(str(self.opts.verbose_name_plural))

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> LogEntry:
        return self._log(request, audit_log.ADDITION, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> LogEntry:
        return self._log(request, audit_log.CHANGE, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> list[LogEntry]:
        return [self._log(request, audit_log.DELETION, obj, "") for obj in queryset]

    def _log(self, request: HttpRequest, flag: int, obj: Model, message: Any) -> LogEntry:
        name = str(getattr(obj, self.audit_name_field))
        return audit_log.log_action(request.user, flag, obj, name=name, message=message)


def _quote(parameters: QueryDict) -> str:
    return ", ".join(f"{name}={value}" for name, value in parameters.items())[:200]


def _is_available(method: Any, obj: Model) -> bool:
    available_for: Callable[[Model], bool] | None = getattr(method, "available_for", None)
    return available_for is None or available_for(obj)


class ReadOnlyAdmin(ModelAdmin):
    """A page of rows that nobody edits by hand, such as history."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
