"""The settings of a person: password, sessions, and how the pages look in this browser."""

from __future__ import annotations

import uuid
import zoneinfo
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import (
    password_validators_help_texts,
    validate_password,
)
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters

from accounts import person_access
from accounts.models import PersonSession, User
from accounts.models.user import MAX_CATEGORIES_NOT_KEPT, validate_time_zone
from core.api import rate_limits
from core.errors import Malformed, NotFound
from memories.models import UserCategory
from memories.taxonomy import allowed_names
from oauth.issuer import MCP_PATH
from oauth.models import Connection
from pages import browser_choices
from pages.browser_choices import LANGUAGE, THEME, THEMES
from pages.memory_change import normal_category
from pages.page_view import SESSION_COOKIE, PageView, own_path


class SessionNotFound(NotFound):
    """This session has ended already."""

    code = "session_not_found"


class TooManyCategories(Malformed):
    """At most 50 categories can be left out."""


def _password_field(label: Any, autocomplete: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        strip=False,
        max_length=person_access.MAX_PASSWORD,
        widget=forms.PasswordInput(attrs={"autocomplete": autocomplete}),
    )


class NewPasswordForm(forms.Form):
    current = _password_field(gettext_lazy("Current password"), "current-password")
    new = _password_field(gettext_lazy("New password"), "new-password")
    again = _password_field(gettext_lazy("New password (again)"), "new-password")

    def __init__(self, session: PersonSession, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.user = session.user
        if not session.needs_password_for_new_one:
            del self.fields["current"]

    def clean_current(self) -> str:
        current: str = self.cleaned_data["current"]
        if not self.user.check_password(current):
            raise forms.ValidationError(_("This is not your password."), code="wrong")
        return current

    def clean_new(self) -> str:
        new: str = self.cleaned_data["new"]
        validate_password(new, self.user)
        return new

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if "new" in values and values["new"] != values.get("again"):
            self.add_error("again", _("The passwords do not match."))
        return values


class SettingsView(PageView):
    section = "settings"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(NewPasswordForm(self.session))

    def show(self, form: NewPasswordForm) -> HttpResponse:
        sessions = PersonSession.objects.valid().filter(user=self.person)
        context = {
            "form": form,
            "password_hints": password_validators_help_texts(),
            "has_password": self.person.has_usable_password(),
            "sessions": sessions.order_by("-last_used_at", "-created_at"),
            "session": self.session,
            "connections": self._list_connections(),
            "mcp_address": f"{person_access.server_url()}{MCP_PATH}",
            "languages": settings.LANGUAGES,
            "categories": _list_categories(self.subject),
            "zones": sorted(zoneinfo.available_timezones()),
        }
        return self.render("pages/settings.html", context)

    def _list_connections(self) -> QuerySet[Connection]:
        live = Connection.objects.live().filter(key__user=self.person)
        return live.select_related("key", "client").order_by("-created_at", "pk")


class PasswordView(SettingsView):
    @method_decorator(sensitive_post_parameters())
    def post(self, request: HttpRequest) -> HttpResponse:
        # A stolen session must not be a way to guess the password.
        usage = rate_limits.count_sign_in(request, self.person.user_id)
        if usage:
            return self.render_too_often(usage.seconds_left)
        form = NewPasswordForm(self.session, request.POST)
        if not form.is_valid():
            return self.show(form)
        person_access.set_password(self.person, form.cleaned_data["new"], session=self.session)
        self.say(_("Your password was changed. All other sessions have ended."))
        return HttpResponseRedirect(reverse("pages:settings"))


class TimeZoneView(PageView):
    section = "settings"

    def post(self, request: HttpRequest) -> HttpResponse:
        name = request.POST.get("time_zone", "")
        validate_time_zone(name)
        self.person.time_zone = name
        self.person.save(update_fields=["time_zone", "updated_at"])
        self.say(_("Times are now shown in this time zone."))
        return HttpResponseRedirect(reverse("pages:settings"))


class RememberedView(PageView):
    """What is remembered at all: of the person, or of the end user whom they have chosen."""

    section = "settings"

    def post(self, request: HttpRequest) -> HttpResponse:
        user = User.objects.get(pk=self.subject.pk)
        names = dict.fromkeys(request.POST.getlist("categories_not_kept"))
        if len(names) > MAX_CATEGORIES_NOT_KEPT:
            raise TooManyCategories
        user.infer = "infer" in request.POST
        user.categories_not_kept = [normal_category(name) for name in names]
        user.save(update_fields=["infer", "categories_not_kept", "updated_at"])
        self.say(_("What is stored from now on follows this."))
        return HttpResponseRedirect(reverse("pages:settings"))


class EndSessionView(PageView):
    def post(self, request: HttpRequest, session_id: uuid.UUID) -> HttpResponse:
        sessions = PersonSession.objects.filter(user=self.person, pk=session_id)
        if not sessions.delete()[0]:
            raise SessionNotFound
        if session_id == self.session.pk:
            return _leave()
        self.say(_("The session has ended."))
        return HttpResponseRedirect(reverse("pages:settings"))


class SignOutEverywhereView(PageView):
    def post(self, request: HttpRequest) -> HttpResponse:
        person_access.sign_out_everywhere(self.person)
        return _leave()


class AppearanceView(PageView):
    """Keeps what a browser chooses: language, theme, or both."""

    is_public = True

    def post(self, request: HttpRequest) -> HttpResponse:
        response = HttpResponseRedirect(
            own_path(request.POST.get("next", ""), default="pages:front")
        )
        known = {LANGUAGE: dict(settings.LANGUAGES), THEME: THEMES}
        for cookie, values in known.items():
            name = cookie.removeprefix("openmemory_")
            value = request.POST.get(name)
            if value is not None and (value in values or not value):
                browser_choices.keep(response, cookie, value)
        return response


def _list_categories(user: User) -> list[tuple[str, bool]]:
    """The names of categories, also of own ones, each with whether the user keeps none of it."""
    unkept = set(user.categories_not_kept)
    names = [*allowed_names()]
    own = UserCategory.objects.filter(user=user).values_list("category__name", flat=True)
    others = unkept.union(own[:MAX_CATEGORIES_NOT_KEPT]).difference(names)
    return [(name, name in unkept) for name in names + sorted(others)]


def _leave() -> HttpResponse:
    response = HttpResponseRedirect(reverse("pages:front"))
    response.delete_cookie(SESSION_COOKIE)
    return response
