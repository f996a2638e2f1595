"""The page on which an operator starts a migration to another embedding model."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from configuration.catalog import EMBEDDER_PROVIDERS, OLLAMA
from configuration.serializers import EmbedderSerializer, error_details
from configuration.update import InvalidChange, update_configuration
from configuration.wire_format import replace_section
from memories.models import EmbeddingSpace
from memories.vectors import migration

from .acting_operator import operator

EXPLANATION = (
    "A job embeds all memories with this model, next to the vectors in use. A remote model "
    "receives all memories, which may cost money. Searches use the current space until the new one "
    "is full, and then switch at once. The current space is kept for a rollback."
)


class StartForm(forms.Form):
    """The fields of `PUT /api/v1/config/mem0/embedder`, and whether to switch when it is full."""

    provider = forms.ChoiceField(
        choices=[(name, name) for name in EMBEDDER_PROVIDERS], widget=UnfoldAdminSelectWidget
    )
    model = forms.CharField(
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="The provider's name for the model; its default model if empty.",
    )
    dimensions = forms.IntegerField(
        required=False,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="The dimensions of the vectors; the default of the model if empty.",
    )
    base_url = forms.CharField(
        label="Base URL",
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="The URL of the API; the provider's own if empty.",
    )
    api_key = forms.CharField(
        label="API key",
        required=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
        help_text="`env:NAME` to read an environment variable, or the key itself, which is stored "
        "encrypted and never shown.",
    )
    hold = forms.BooleanField(
        label="Hold when it is full",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="Do not switch yet, so that you can check the comparison first.",
    )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if self.errors:
            return data
        base_url = "ollama_base_url" if data["provider"] == OLLAMA else "openai_base_url"
        config = {name: data[name] or None for name in ("model", "dimensions", "api_key")}
        config[base_url] = data["base_url"] or None
        serializer = EmbedderSerializer(data={"provider": data["provider"], "config": config})
        if serializer.is_valid():
            return {**data, "change": replace_section("embedder", serializer.validated_data)}
        for field, detail in error_details(serializer.errors):
            self.reject(field, detail)
        return data

    def reject(self, field: str, detail: str) -> None:
        name = "base_url" if field.endswith("base_url") else field
        self.add_error(name if name in self.fields else None, detail)


def start_page(page: Any, request: HttpRequest) -> HttpResponse:
    form = StartForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _start(page, request, form):
        return HttpResponseRedirect(_list_address())
    context = {
        **page.admin_site.each_context(request),
        "title": "Migrate to another embedding model",
        "opts": page.opts,
        "form": form,
        "explanation": EXPLANATION,
        "label": "Start migration",
        "back": _list_address(),
    }
    return TemplateResponse(request, "memories/admin/form_page.html", context)


def _start(page: Any, request: HttpRequest, form: StartForm) -> bool:
    by = operator(request)
    try:
        with transaction.atomic():
            update_configuration([form.cleaned_data["change"]], by=by)
            hold = form.cleaned_data["hold"] or settings.REEMBED_HOLD
            job = migration.start(by=by, hold=hold)
    except InvalidChange as invalid:
        for error in invalid.errors:
            form.reject(error.field, error.detail)
        return False
    current = EmbeddingSpace.objects.current()
    message = f"{form.cleaned_data['provider']} is configured. Job {job.pk} migrates to it."
    page.message_user(request, message, messages.SUCCESS)
    page.log_change(request, current, message)
    return True


def _list_address() -> str:
    return reverse("admin:memories_embeddingspace_changelist")
