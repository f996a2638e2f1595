"""The page on which an operator edits the text of a memory."""

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

from .acting_operator import log_reading, operator

EXPLANATION = (
    "The memory is embedded and categorized again. Its current text stays in its history, which "
    "the user can export."
)


class ContentForm(forms.Form):
    content = forms.CharField(
        label="Content",
        strip=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 16, "dir": "auto", "autofocus": True}),
    )
    # The version that the operator saw, so that no concurrent edit is overwritten.
    version = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, data: QueryDict | None, *, memory: Memory) -> None:
        self.memory = memory
        super().__init__(data, initial={"content": memory.content, "version": _version(memory)})

    def clean_content(self) -> str:
        # Browsers send every line break as CRLF.
        content: str = self.cleaned_data["content"].replace("\r\n", "\n")
        if content == self.memory.content.replace("\r\n", "\n"):
            return self.memory.content
        serializer = RevisionSerializer(data={"memory_content": content})
        try:
            serializer.is_valid(raise_exception=True)
        except ValidationError as error:
            raise forms.ValidationError(list(error.detail["memory_content"])) from error  # type: ignore[call-overload]
        return content

    def clean_version(self) -> str:
        version: str = self.cleaned_data["version"]
        if version != _version(self.memory):
            raise forms.ValidationError(
                "The memory was changed since you opened this page. Copy your text and reload."
            )
        return version


def edit_memory(page: Any, request: HttpRequest, object_id: str) -> HttpResponse:
    memory: Memory | None = page.get_object(request, object_id)
    if memory is None:
        raise Http404
    form = ContentForm(request.POST or None, memory=memory)
    if request.method == "POST" and form.is_valid():
        return _save(page, request, memory, form.cleaned_data["content"])
    log_reading(memory, by=operator(request))
    context = {
        **page.admin_site.each_context(request),
        "title": "Edit memory",
        "opts": page.opts,
        "form": form,
        "explanation": EXPLANATION,
        "label": "Save",
        "back": _page_of(memory),
    }
    return TemplateResponse(request, "memories/admin/form_page.html", context)


def _save(page: Any, request: HttpRequest, memory: Memory, content: str) -> HttpResponse:
    if content == memory.content:
        page.message_user(request, "The text is the same: nothing was changed.", messages.INFO)
        return HttpResponseRedirect(_page_of(memory))
    try:
        edit = revise.Edit(text=content)
        revise.revise(memory.pk, edit, among=Memory.objects.all(), by=operator(request))
    except OpenMemoryError as error:
        page.message_user(request, error.detail, messages.ERROR)
    else:
        message = "The memory was edited. The previous content is in its history."
        page.message_user(request, message, messages.SUCCESS)
        page.log_change(request, memory, message)
    return HttpResponseRedirect(_page_of(memory))


def _version(memory: Memory) -> str:
    return memory.updated_at.isoformat()


def _page_of(memory: Memory) -> str:
    return reverse("admin:memories_memory_change", args=[memory.pk])
