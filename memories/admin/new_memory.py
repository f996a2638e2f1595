"""The page on which an operator stores a memory for a user."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from rest_framework.exceptions import ValidationError
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from accounts.models import User
from apps_registry.models import App
from core.admin.links import change_url
from core.errors import OpenMemoryError
from memories.lifecycle.remember import Event, StoredMemory, remember
from memories.serializers import NewMemorySerializer, build_new_memory

from .acting_operator import operator

EXPLANATION = "The memory is stored as if the app had sent it, and can be found at once."
DEFAULT_APP = "openmemory"


class NewMemoryForm(forms.Form):
    user = forms.CharField(label="User id", max_length=255, widget=UnfoldAdminTextInputWidget)
    app = forms.CharField(
        label="App", max_length=255, initial=DEFAULT_APP, widget=UnfoldAdminTextInputWidget
    )
    text = forms.CharField(
        label="Text",
        strip=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 8, "dir": "auto"}),
    )

    def clean_user(self) -> User:
        user = User.objects.filter(user_id=self.cleaned_data["user"], is_active=True).first()
        if user is None:
            raise forms.ValidationError("There is no active user with this id.", code="unknown")
        return user

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            body = {"text": values["text"].replace("\r\n", "\n"), "app": values["app"]}
            serializer = NewMemorySerializer(data=body)
            try:
                serializer.is_valid(raise_exception=True)
            except ValidationError:
                for name, errors in serializer.errors.items():
                    self.add_error(name if name in self.fields else None, list(map(str, errors)))
            else:
                self.checked = serializer.validated_data
        return values


def add_memory(page: Any, request: HttpRequest) -> HttpResponse:
    if not page.has_add_permission(request):
        raise PermissionDenied
    form = NewMemoryForm(request.POST or None, initial={"user": _only_user_id()})
    if request.method == "POST" and form.is_valid():
        try:
            stored = _store(form, by=operator(request))
        except OpenMemoryError as error:
            form.add_error(None, error.detail)
        else:
            is_known = stored.event == Event.DUPLICATE
            message = "This was known already." if is_known else "The memory was stored."
            page.message_user(request, message, messages.SUCCESS)
            if not is_known:
                page.log_addition(request, stored.memory, message)
            return HttpResponseRedirect(change_url(stored.memory))
    context = {
        **page.admin_site.each_context(request),
        "title": "Add a memory",
        "opts": page.opts,
        "form": form,
        "explanation": EXPLANATION,
        "label": "Add",
        "back": reverse("admin:memories_memory_changelist"),
    }
    return TemplateResponse(request, "memories/admin/form_page.html", context)


def _store(form: NewMemoryForm, *, by: User) -> StoredMemory:
    user = form.cleaned_data["user"]
    app = App.objects.get_or_create_active(user, name=form.cleaned_data["app"])
    return remember(build_new_memory(form.checked), user=user, app=app, by=by)


def _only_user_id() -> str:
    """Empty if there are several."""
    users = [*User.objects.filter(is_active=True, owner=None)[:2]]
    return users[0].user_id if len(users) == 1 else ""
