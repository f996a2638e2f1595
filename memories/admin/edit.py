"""The page on which an operator changes what a memory says."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse
from rest_framework.exceptions import ValidationError
from unfold.widgets import UnfoldAdminTextareaWidget

from core.errors import OpenMemoryError
from memories.lifecycle import revise
from memories.models import Memory
from memories.serializers import RevisionSerializer

from .noting import note_reading
from .signed_in import operator

EXPLANATION = (
    "It is embedded and categorised anew. What it says now stays in its history, which its person "
    "can take out."
)


class ContentForm(forms.Form):
    content = forms.CharField(
        label="What it says",
        strip=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 16, "dir": "auto", "autofocus": True}),
    )
    # As the operator saw it, so that what somebody else did meanwhile is not undone unseen.
    seen = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, sent: QueryDict | None, *, memory: Memory) -> None:
        self.memory = memory
        super().__init__(sent, initial={"content": memory.content, "seen": _seen(memory)})

    def clean_content(self) -> str:
        # A browser sends every end of a line as two characters, whatever it was before.
        content: str = self.cleaned_data["content"].replace("\r\n", "\n")
        if content == self.memory.content.replace("\r\n", "\n"):
            return self.memory.content
        given = RevisionSerializer(data={"memory_content": content})
        try:
            given.is_valid(raise_exception=True)
        except ValidationError as error:
            raise forms.ValidationError(list(error.detail["memory_content"])) from error  # type: ignore[call-overload]
        return content

    def clean_seen(self) -> str:
        seen: str = self.cleaned_data["seen"]
        if seen != _seen(self.memory):
            raise forms.ValidationError(
                "It was changed since you opened this page. Copy what you wrote, and open it anew."
            )
        return seen


def edit(page: Any, request: HttpRequest, object_id: str) -> HttpResponse:
    memory: Memory | None = page.get_object(request, object_id)
    if memory is None:
        raise Http404
    form = ContentForm(request.POST or None, memory=memory)
    if request.method == "POST" and form.is_valid():
        return _save(page, request, memory, form.cleaned_data["content"])
    note_reading(memory, by=operator(request))
    context = {
        **page.admin_site.each_context(request),
        "title": "Edit a memory",
        "opts": page.opts,
        "form": form,
        "explanation": EXPLANATION,
        "label": "Save",
        "back": _page_of(memory),
    }
    return TemplateResponse(request, "memories/admin/ask.html", context)


def _save(page: Any, request: HttpRequest, memory: Memory, content: str) -> HttpResponse:
    if content == memory.content:
        page.message_user(request, "It says that already: nothing was changed.", messages.INFO)
        return HttpResponseRedirect(_page_of(memory))
    try:
        revise.revise(memory.pk, content, among=Memory.objects.all(), by=operator(request))
    except OpenMemoryError as error:
        page.message_user(request, error.detail, messages.ERROR)
    else:
        told = "The memory was edited. What it said before stands in its history."
        page.message_user(request, told, messages.SUCCESS)
        page.log_change(request, memory, told)
    return HttpResponseRedirect(_page_of(memory))


def _seen(memory: Memory) -> str:
    return memory.updated_at.isoformat()


def _page_of(memory: Memory) -> str:
    return reverse("admin:memories_memory_change", args=[memory.pk])
