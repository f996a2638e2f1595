"""Erase a user from their page in the admin. The dialog first shows what would be removed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html_join
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from accounts.admin import users
from accounts.models import User
from apps_registry.models import App
from core.admin.buttons import DialogForm, button
from core.admin.paginator import bounded_count
from core.admin.statement_timeout import TooSlow, limit_statements
from core.errors import Conflict
from core.quantities import with_noun
from jobs.models import Job
from memories.models import Memory
from operators.belongings import count_belongings
from operators.erase import enqueue_erasure
from operators.removed_words import describe_removed

admin.site.unregister(User)


class CannotEraseYourself(Conflict):
    """You cannot erase yourself. Ask another operator to do it."""

    code = "yourself"


class ErasureForm(DialogForm):
    form_before_template = "operators/admin/erasure.html"

    confirmed = forms.CharField(
        label="Type the user id to confirm",
        max_length=255,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )
    scrub = forms.BooleanField(
        label="Rewrite the tables",
        required=False,
        widget=UnfoldBooleanWidget,
        help_text="Leaves no data on disk either. Memories cannot be read or written meanwhile.",
    )

    def get_before_template_context(
        self, request: HttpRequest, object_id: int | str | None = None
    ) -> dict[str, Any]:
        user = User.objects.filter(pk=str(object_id)).first()
        try:
            with limit_statements():
                counts = count_belongings(user) if user else {}
        except TooSlow:
            return {"count_timed_out": True}
        return {"removed": describe_removed(counts)}

    def clean_confirmed(self) -> str:
        user_id: str = self.cleaned_data["confirmed"]
        if not User.objects.filter(pk=str(self.object_id), user_id=user_id).exists():
            raise forms.ValidationError(
                "This is not the user id of this user.", code="another_user"
            )
        return user_id


@admin.register(User)
class UserAdmin(users.UserAdmin):
    actions_detail = (*users.UserAdmin.actions_detail, "erase")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        return fieldsets if obj is None else [*fieldsets, ("Stored", {"fields": ("stored",)})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*super().get_readonly_fields(request, obj), "stored"]

    @display(description="Lists")
    def stored(self, user: User) -> str:
        """How many memories, apps and jobs there are of the user, each linked to its list."""
        lists = (
            (
                "memory",
                "memories",
                Memory.objects.filter(user=user).undeleted(),
                "memories_memory",
                "user",
            ),
            (
                "app",
                "apps",
                App.objects.filter(owner=user),
                "apps_registry_app",
                "owner__id__exact",
            ),
            ("job", "jobs", Job.objects.filter(owner=user), "jobs_job", "owner__id__exact"),
        )
        links = (
            (
                f"{reverse(f'admin:{name}_changelist')}?{key}={user.pk}",
                with_noun(bounded_count(rows), noun, plural),
            )
            for noun, plural, rows, name, key in lists
        )
        link = '<a class="text-primary-600 underline dark:text-primary-500" href="{}">{}</a>'
        return format_html_join(", ", link, links)

    def has_erase_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may_delete = request.user.has_perm("accounts.delete_user")
        return may_delete and self.has_operate_permission(request, obj)

    @button(
        "Erase",
        icon="person_remove",
        description="Permanently removes everything stored about this user.",
        permission="erase",
        form=ErasureForm,
        variant=ActionVariant.DANGER,
    )
    def erase(self, request: HttpRequest, user: User, form: ErasureForm) -> str:
        if user == request.user:
            raise CannotEraseYourself
        assert isinstance(request.user, User)  # noqa: S101 - for mypy: they are signed in
        job = enqueue_erasure(user, by=request.user, scrub=form.cleaned_data["scrub"])
        return f"Account deactivated. Erasing all data of {user} in job {job.pk}."
