"""Erase a person from their page in the admin: first it says what would go."""

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
from operators import erase as erasing

admin.site.unregister(User)


class Yourself(Conflict):
    """You would erase yourself: have another operator do that."""

    code = "yourself"


class ErasureForm(DialogForm):
    form_before_template = "operators/admin/erasure.html"

    confirmed = forms.CharField(
        label="Their user id, to confirm",
        max_length=255,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )
    scrub = forms.BooleanField(
        label="Write the tables anew",
        required=False,
        widget=UnfoldBooleanWidget,
        help_text="So that nothing is left on the disk either. Meanwhile nobody can read them.",
    )

    def get_before_template_context(
        self, request: HttpRequest, object_id: int | str | None = None
    ) -> dict[str, Any]:
        user = User.objects.filter(pk=str(object_id)).first()
        try:
            with limit_statements():
                counts = erasing.plan(user) if user else {}
        except TooSlow:
            return {"too_many": True}
        return {"counts": sorted((name, number) for name, number in counts.items() if number)}

    def clean_confirmed(self) -> str:
        given: str = self.cleaned_data["confirmed"]
        if not User.objects.filter(pk=str(self.object_id), user_id=given).exists():
            raise forms.ValidationError("That is not their user id.", code="another_user")
        return given


@admin.register(User)
class UserAdmin(users.UserAdmin):
    actions_detail = (*users.UserAdmin.actions_detail, "erase")

    def has_erase_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may = request.user.has_perm("accounts.delete_user")
        return may and self.has_operate_permission(request, obj)

    @button(
        "Erase",
        icon="person_remove",
        description="All that is kept of this person is removed for good, from everywhere.",
        permission="erase",
        form=ErasureForm,
        variant=ActionVariant.DANGER,
    )
    def erase(self, request: HttpRequest, user: User, form: ErasureForm) -> str:
        if user == request.user:
            raise Yourself
        assert isinstance(request.user, User)  # noqa: S101 - who is signed in
        job = erasing.queue_erasure(user, by=request.user, scrub=form.cleaned_data["scrub"])
        return f"They are locked out, and everything of theirs goes: see job {job.pk}."
