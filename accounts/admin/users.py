from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from accounts.models import ApiKey, SignInLink, User
from accounts.person_access import link_url
from accounts.roles import can_change_user
from core.admin.buttons import button, render_in_dialog
from core.admin.links import change_link, change_url
from core.admin.model_admin import ModelAdmin
from core.admin.paginator import bounded_count

from .forms import KeyForm, PasswordForm
from .keys import KeyInline


class AccountFilter(admin.SimpleListFilter):
    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("accounts", "Accounts"), ("end_users", "End users")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() in ("accounts", "end_users"):
            return queryset.filter(owner__isnull=self.value() == "accounts")
        return queryset


class UserForm(forms.ModelForm):
    def clean(self) -> dict[str, Any] | None:
        values = super().clean() or self.cleaned_data
        rights = ("is_active", "is_staff", "is_superuser")
        if self.instance == self.operator and any(values.get(right) is False for right in rights):
            raise forms.ValidationError(
                "This would lock you out. Ask another operator to do it.", code="yourself"
            )
        return values

    operator: Any  # who submits the form


@admin.register(User)
class UserAdmin(ModelAdmin):
    form = UserForm
    list_display = (
        "user_id", "external_id", "account", "name", "email", "state", "role", "created_at",
    )  # fmt: skip
    list_select_related = ("owner",)
    list_filter = (AccountFilter, ("owner", AutocompleteSelectFilter), "is_active", "is_staff")
    ordering = ("user_id",)
    search_fields = ("user_id__startswith", "external_id__startswith", "email__iexact")
    search_help_text = "The start of a user id or of an end user's name, or an email address"
    select_fields = ("groups",)
    autocomplete_fields = ("groups",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "user_id",
                    "external_id",
                    "account",
                    "end_users",
                    "name",
                    "email",
                    "time_zone",
                    "infer",
                    "categories_not_kept",
                    "metadata",
                    "is_active",
                )
            },
        ),
        ("Admin access", {"fields": ("is_staff", "is_superuser", "groups", "last_login")}),
    )
    add_fieldsets = ((None, {"fields": ("user_id", "name", "email", "metadata")}),)
    inlines = (KeyInline,)
    actions_detail: ClassVar[tuple[str, ...]] = ("make_key", "make_sign_in_link", "set_password")
    audit_name_field = "user_id"

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        allowed: bool = super().has_change_permission(request, obj)
        return allowed and (not isinstance(obj, User) or can_change_user(request.user, obj))

    def has_operate_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        allowed = super().has_operate_permission(request, obj)
        return allowed and (not isinstance(obj, User) or can_change_user(request.user, obj))

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        # What is remembered is the person's choice.
        fields = ["last_login", "external_id", "account", "end_users"]
        fields += ["infer", "categories_not_kept"]
        if obj is not None:  # clients use it
            fields.append("user_id")
        if not request.user.is_superuser:
            fields += ["is_staff", "is_superuser", "groups"]
        return fields

    def get_inlines(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return self.inlines if obj is not None else ()

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, **kwargs)
        form.operator = request.user
        return form

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if not change:
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)

    @display(description="Account", ordering="owner")
    def account(self, user: User) -> str | None:
        return change_link(user.owner, user.owner.user_id) if user.owner else None

    @display(description="End users")
    def end_users(self, user: User) -> str | None:
        """The number of end users, linked to their list."""
        if user.owner_id is not None:
            return None
        number = bounded_count(user.end_users.all())
        url = f"{reverse('admin:accounts_user_changelist')}?owner__id__exact={user.pk}"
        return format_html('<a href="{}">{}</a>', url, number)

    @display(description="State", label={"active": "success", "deactivated": "warning"})
    def state(self, user: User) -> str:
        return "active" if user.is_active else "deactivated"

    @display(description="Role", label={"operator": "info", "staff": "default"})
    def role(self, user: User) -> str | None:
        if user.is_operator:
            return "operator"
        return "staff" if user.is_staff else None

    @button(
        "Create a key",
        icon="key",
        description="Programs authenticate with this key to act for the user.",
        form=KeyForm,
        available_for=lambda user: user.is_active,
    )
    def make_key(self, request: HttpRequest, user: User, form: KeyForm) -> HttpResponse:
        values = form.cleaned_data
        key, secret = ApiKey.objects.issue(
            user=user,
            name=values["name"],
            app_name=values["app_name"],
            scopes=values["scopes"],
            expires_at=form.expires_at(),
            names_end_users=values["names_end_users"],
            is_pinned=values["is_pinned"],
        )
        self.log_change(request, user, f"Created key {key}.")
        context = {"key": key, "secret": secret, "done_url": change_url(user)}
        return render_in_dialog(request, "accounts/admin/created_key.html", context)

    @button(
        "Create a sign-in link",
        icon="link",
        description="Opens the user's own pages once, without a password, within a day.",
        available_for=lambda user: user.is_active,
    )
    def make_sign_in_link(self, request: HttpRequest, user: User, form: object) -> HttpResponse:
        secret = SignInLink.objects.issue(user)
        self.log_change(request, user, "Created a sign-in link.")
        link = link_url(secret, base=request.build_absolute_uri("/").rstrip("/"))
        context = {"user": user, "link": link, "done_url": change_url(user)}
        return render_in_dialog(request, "accounts/admin/sign_in_link.html", context)

    @button(
        "Set a password",
        icon="password",
        description="Replaces the current password and ends the user's sessions.",
        form=PasswordForm,
    )
    def set_password(self, request: HttpRequest, user: User, form: PasswordForm) -> str:
        user.set_password(form.cleaned_data["password"])
        user.save(update_fields=["password", "updated_at"])
        return f"Changed the password of {user}."
