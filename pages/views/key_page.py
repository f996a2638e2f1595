"""The keys of a person: listed, made, revoked."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.api_keys import revoke_key
from accounts.models import ApiKey, Scope
from apps_registry.models import App
from core.visible_text import validate_visible
from pages.page_view import PageView

MAX_KEYS = 200
MAX_APPS = 200
ACCESS = {
    "write": (gettext_lazy("Read and change"), [Scope.READ, Scope.WRITE]),
    "read": (gettext_lazy("Read only"), [Scope.READ]),
}
DAYS = {
    "": gettext_lazy("Never"),
    "7": gettext_lazy("In a week"),
    "30": gettext_lazy("In 30 days"),
    "90": gettext_lazy("In 90 days"),
    "365": gettext_lazy("In a year"),
}


class NewKeyForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("What it is for"),
        max_length=255,
        validators=[validate_visible],
    )
    app = forms.CharField(
        label=gettext_lazy("Only as this app"),
        required=False,
        max_length=255,
        validators=[validate_visible],
        help_text=gettext_lazy("Such a key stores and reads as this app, and cannot manage keys."),
        widget=forms.TextInput(attrs={"list": "apps", "autocomplete": "off"}),
    )
    access = forms.ChoiceField(
        label=gettext_lazy("It may"),
        choices=[(value, label) for value, (label, _scopes) in ACCESS.items()],
    )
    days = forms.ChoiceField(
        label=gettext_lazy("It expires"), required=False, choices=list(DAYS.items())
    )


class KeysView(PageView):
    section = "keys"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._show(NewKeyForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = NewKeyForm(request.POST)
        if not form.is_valid():
            return self._show(form, status=400)
        values = form.cleaned_data
        days = values["days"]
        key, secret = ApiKey.objects.issue(
            user=self.subject,
            name=values["name"],
            app_name=values["app"],
            scopes=ACCESS[values["access"]][1],
            expires_at=timezone.now() + timedelta(days=int(days)) if days else None,
            # The page of a person makes keys for what the person sees, and no operator's key.
            is_pinned=True,
        )
        return self._show(NewKeyForm(), new_key=key, secret=secret)

    def _show(self, form: NewKeyForm, *, status: int = 200, **more: Any) -> HttpResponse:
        keys = ApiKey.objects.filter(user=self.subject).select_related("user")
        valid = keys.valid().order_by("-created_at", "id")
        ended = keys.exclude(pk__in=keys.valid().values("pk")).order_by("-created_at", "id")
        apps = App.objects.owned_by(self.subject).order_by("name")
        context = {
            "form": form,
            "keys": list(valid[:MAX_KEYS]),
            "ended": list(ended[:MAX_KEYS]),
            "apps": list(apps.values_list("name", flat=True)[:MAX_APPS]),
            **more,
        }
        return self.render("pages/keys.html", context, status=status)


class RevokeKeyView(PageView):
    def post(self, request: HttpRequest, key_id: uuid.UUID) -> HttpResponse:
        revoke_key(key_id, among=ApiKey.objects.filter(user=self.subject))
        self.say(_("The key was revoked. What used it is refused from now on."))
        return HttpResponseRedirect(reverse("pages:keys"))
