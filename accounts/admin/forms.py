"""Forms of the dialogs on a user's page."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.utils import timezone
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from accounts.models import Scope, User
from accounts.models.api_key import EndUsersNotNamed
from core.admin.buttons import DialogForm
from core.visible_text import validate_visible


class KeyForm(DialogForm):
    name = forms.CharField(
        max_length=255,
        required=False,
        validators=[validate_visible],
        widget=UnfoldAdminTextInputWidget,
        help_text="What the key is for.",
    )
    app_name = forms.CharField(
        label="App",
        max_length=255,
        required=False,
        validators=[validate_visible],
        widget=UnfoldAdminTextInputWidget,
        help_text="The only app that the key can act as. Leave empty for a personal key.",
    )
    scopes = forms.MultipleChoiceField(
        label="Scopes",
        choices=Scope.choices,
        initial=list(Scope.values),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    names_end_users = forms.BooleanField(
        label="May name end users",
        required=False,
        widget=UnfoldBooleanWidget,
        help_text="A `user_id` that a program sends with this key then names an end user of this "
        "account, made on the first write.",
    )
    is_pinned = forms.BooleanField(
        label="Pinned to its user",
        required=False,
        widget=UnfoldBooleanWidget,
        help_text="The key reaches nobody but its own user, not even through the API of Mem0.",
    )
    days = forms.IntegerField(
        label="Days until it expires",
        min_value=1,
        max_value=36_500,
        required=False,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="Leave empty for a key that never expires.",
    )

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        is_end_user = User.objects.filter(pk=self.object_id, owner__isnull=False).exists()
        if values.get("names_end_users") and (values.get("is_pinned") or is_end_user):
            self.add_error("names_end_users", str(EndUsersNotNamed()))
        return values

    def expires_at(self) -> datetime | None:
        days = self.cleaned_data["days"]
        return timezone.now() + timedelta(days=days) if days else None


class PasswordForm(DialogForm):
    password = forms.CharField(
        label="New password",
        strip=False,
        max_length=4096,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label="New password (again)",
        strip=False,
        max_length=4096,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        validate_password(password, User.objects.filter(pk=self.object_id).first())
        return password

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if "password" in values and values["password"] != values.get("again"):
            self.add_error("again", "The passwords do not match.")
        return values
