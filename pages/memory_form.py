"""The forms to add and to edit a memory. What they take is checked as in the API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from rest_framework.serializers import Serializer

from memories.lifecycle.remember import NewMemory
from memories.lifecycle.revise import Edit
from memories.limits import MAX_CATEGORY_NAME, MAX_FILTER_VALUES, MAX_NAME
from memories.models import Memory
from memories.serializers import (
    NewMemorySerializer,
    PatchSerializer,
    build_edit,
    build_new_memory,
)

MAX_CATEGORIES_TEXT = MAX_FILTER_VALUES * (MAX_CATEGORY_NAME + 2)
TO_THE_MINUTE = "%Y-%m-%dT%H:%M"
# The names of the API's fields, where the form's are others.
API_NAMES = {"said_at": "timestamp"}
TIMES = ("said_at", "expires_at", "valid_from", "valid_until")


def _time_field(label: Any, hint: Any = "") -> forms.DateTimeField:
    widget = forms.DateTimeInput(
        format=TO_THE_MINUTE, attrs={"type": "datetime-local", "max": "9999-12-31T23:59"}
    )
    return forms.DateTimeField(
        label=label,
        required=False,
        help_text=hint,
        widget=widget,
        input_formats=[TO_THE_MINUTE, "%Y-%m-%dT%H:%M:%S"],
    )


class MemoryForm(forms.Form):
    text = forms.CharField(
        label=_("Text"), strip=False, widget=forms.Textarea(attrs={"rows": 4, "dir": "auto"})
    )
    actor = forms.CharField(label=_("Said by"), required=False, max_length=MAX_NAME)
    conversation = forms.CharField(label=_("Conversation"), required=False, max_length=MAX_NAME)
    said_at = _time_field(_("When it was said"))
    valid_from = _time_field(_("True from"))
    valid_until = _time_field(_("True until"))
    expires_at = _time_field(_("Forget it at"), _("From then on it is shown nowhere."))
    immutable = forms.BooleanField(label=_("Locked: nothing edits or replaces it"), required=False)

    serializer: type[Serializer]

    def clean_text(self) -> str:
        # A form sends line breaks as in a mail, whatever was in the text.
        text: str = self.cleaned_data["text"].replace("\r\n", "\n")
        return text

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            self._check(values)
        return values

    def _check(self, values: Mapping[str, Any]) -> None:
        serializer = self.serializer(data=self.body(values))
        if serializer.is_valid():
            self.checked = serializer.validated_data
            return
        names = {api: name for name, api in API_NAMES.items()}
        for name, errors in serializer.errors.items():
            field = names.get(name, name)
            # Its rules are in English: the words of those that can be broken here are translated.
            said = [gettext(str(error)) for error in _flatten(errors)]
            self.add_error(field if field in self.fields else None, said)

    def body(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """What the form says, as the body of a request."""
        return {
            API_NAMES.get(name, name): _as_json(values[name])
            for name in self.fields
            if name in values and self.is_sent(name)
        }

    def is_sent(self, name: str) -> bool:
        raise NotImplementedError

    checked: Mapping[str, Any]


class NewMemoryForm(MemoryForm):
    serializer = NewMemorySerializer

    as_it_is = forms.BooleanField(
        label=_("Keep exactly these words"),
        required=False,
        help_text=_("Otherwise it gets categories, and a language model may turn it into facts."),
    )

    def body(self, values: Mapping[str, Any]) -> dict[str, Any]:
        body = super().body(values)
        as_it_is = body.pop("as_it_is", False)
        return {**body, "infer": not as_it_is}

    def is_sent(self, name: str) -> bool:
        return name in ("text", "as_it_is") or bool(self.cleaned_data.get(name))

    def new_memory(self) -> NewMemory:
        return build_new_memory(self.checked)


class EditForm(MemoryForm):
    """What is as it was is not sent. `etag` is the version that the person has seen."""

    serializer = PatchSerializer

    categories = forms.CharField(
        label=_("Categories"),
        required=False,
        max_length=MAX_CATEGORIES_TEXT,
        help_text=_("With commas between them."),
    )
    etag = forms.CharField(max_length=100, widget=forms.HiddenInput)

    field_order = ("text", "categories")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["said_at"].required = True  # every memory was said at some time

    def clean_categories(self) -> list[str]:
        parts = [part.strip() for part in self.cleaned_data["categories"].split(",")]
        return list(dict.fromkeys(part for part in parts if part))

    def is_sent(self, name: str) -> bool:
        if name == "etag":
            return False
        if name == "text":
            initial: str = self.initial["text"]
            return bool(self.cleaned_data["text"] != initial.replace("\r\n", "\n"))
        return name in self.changed_data

    def edit(self) -> Edit:
        return build_edit(self.checked)


def initial_values(memory: Memory) -> dict[str, Any]:
    """What the form shows of a memory."""
    return {
        "text": memory.content,
        "categories": ", ".join(memory.category_names),
        "actor": memory.actor,
        "conversation": memory.conversation,
        "said_at": _to_the_minute(memory.created_at),
        "valid_from": _to_the_minute(memory.valid_from),
        "valid_until": _to_the_minute(memory.valid_until),
        "expires_at": _to_the_minute(memory.expires_at),
        "immutable": memory.immutable,
    }


def _to_the_minute(value: datetime | None) -> datetime | None:
    return value and timezone.localtime(value).replace(second=0, microsecond=0)


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return None if value == "" else value


def _flatten(errors: Any) -> list[Any]:
    if isinstance(errors, dict):
        return [each for inner in errors.values() for each in _flatten(inner)]
    if isinstance(errors, list):
        return [each for inner in errors for each in _flatten(inner)]
    return [errors]
