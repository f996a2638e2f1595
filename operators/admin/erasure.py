"""Erase a user from their page in the admin. The dialog first shows what would be removed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from accounts.admin import users
from accounts.models import User
from core.admin.buttons import DialogForm, button
from core.admin.statement_timeout import TooSlow, limit_statements
from core.errors import Conflict
from operators.belongings import count_belongings
from operators.erase import enqueue_erasure

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
        return {"counts": sorted((name, number) for name, number in counts.items() if number)}

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
