"""The page on which an operator chooses another embedding model."""

from __future__ import annotations

from collections.abc import Iterator
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
from configuration.serializers import EmbedderSerializer
from configuration.update import InvalidChange, update_configuration
from configuration.wire_format import replace_section
from memories.models import EmbeddingSpace
from memories.vectors import migration

from .signed_in import operator

STARTING = (
    "A job embeds all memories by this model, beside the vectors that are searched now. Where the "
    "model runs elsewhere, all of them are sent there, which may cost money. Searches go on as "
    "before until the new space is full, and then go over to it at once. The present one is kept "
    "to go back to."
)


class StartForm(forms.Form):
    """What `PUT /api/v1/config/mem0/embedder` takes, and whether to switch when it is full."""

    provider = forms.ChoiceField(
        choices=[(name, name) for name in EMBEDDER_PROVIDERS], widget=UnfoldAdminSelectWidget
    )
    model = forms.CharField(
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="What the provider calls it; empty for its usual one.",
    )
    dimensions = forms.IntegerField(
        required=False,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="Of its vectors; empty for as many as the model has.",
    )
    base_url = forms.CharField(
        label="Address",
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Where its server answers; empty for the provider's own.",
    )
    api_key = forms.CharField(
        label="Key",
        required=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
        help_text="`env:NAME` for what an environment variable holds, or the key itself, which is "
        "kept encrypted and never shown.",
    )
    hold = forms.BooleanField(
        label="Do not switch when it is full",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="So that you can look at the comparison first.",
    )

    def clean(self) -> dict[str, Any]:
        sent: dict[str, Any] = super().clean() or {}
        if self.errors:
            return sent
        address = "ollama_base_url" if sent["provider"] == OLLAMA else "openai_base_url"
        config = {name: sent[name] or None for name in ("model", "dimensions", "api_key")}
        config[address] = sent["base_url"] or None
        given = EmbedderSerializer(data={"provider": sent["provider"], "config": config})
        if given.is_valid():
            return {**sent, "change": replace_section("embedder", given.validated_data)}
        for field, detail in _details(given.errors):
            self.refuse(field, detail)
        return sent

    def refuse(self, field: str, detail: str) -> None:
        shown = "base_url" if field.endswith("base_url") else field
        self.add_error(shown if shown in self.fields else None, detail)


def start(page: Any, request: HttpRequest) -> HttpResponse:
    form = StartForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _started(page, request, form):
        return HttpResponseRedirect(_list())
    context = {
        **page.admin_site.each_context(request),
        "title": "Start another embedding model",
        "opts": page.opts,
        "form": form,
        "explanation": STARTING,
        "label": "Start",
        "back": _list(),
    }
    return TemplateResponse(request, "memories/admin/ask.html", context)


def _started(page: Any, request: HttpRequest, form: StartForm) -> bool:
    by = operator(request)
    try:
        with transaction.atomic():
            update_configuration([form.cleaned_data["change"]], by=by)
            hold = form.cleaned_data["hold"] or settings.REEMBED_HOLD
            job = migration.start(by=by, hold=hold)
    except InvalidChange as invalid:
        for error in invalid.errors:
            form.refuse(error.field, error.detail)
        return False
    current = EmbeddingSpace.objects.current()
    told = f"{form.cleaned_data['provider']} is configured, and job {job.pk} goes over to it."
    page.message_user(request, told, messages.SUCCESS)
    page.log_change(request, current, told)
    return True


def _details(errors: Any, field: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(errors, dict):
        for name, inner in errors.items():
            yield from _details(inner, name)
    else:
        yield from ((field, str(error)) for error in errors)


def _list() -> str:
    return reverse("admin:memories_embeddingspace_changelist")
