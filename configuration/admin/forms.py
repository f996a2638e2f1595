"""The sections of the configuration as forms, read and refused by what reads the API's bodies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from rest_framework.serializers import Serializer
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from accounts.models import User
from configuration import effective, update, wire_format
from configuration.providers.catalog import EMBEDDER_PROVIDERS, LLM_PROVIDERS
from configuration.serializers import EmbedderSerializer, LlmSerializer, OpenMemorySerializer


def _text(label: str) -> forms.CharField:
    widget = UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "spellcheck": "false"})
    return forms.CharField(label=label, required=False, strip=True, widget=widget)


def _told(help_text: object) -> str:
    """The API's words, for somebody who fills in a form in place of writing JSON."""
    return str(help_text).replace("`", "").replace("Null:", "Empty:")


class SectionForm(forms.Form):
    """One section of the configuration. What is left empty goes back to its default."""

    section: ClassVar[str]
    title: ClassVar[str]
    serializer: ClassVar[type[Serializer]]

    def __init__(self, data: Mapping[str, Any] | None = None) -> None:
        shown = None if data else self.in_force()
        super().__init__(data, initial=shown, auto_id=f"{self.section}_%s")
        told = self.serializer()
        described = {**told.fields, **getattr(told.fields.get("config"), "fields", {})}
        for name, field in self.fields.items():
            field.help_text = _told(described[name].help_text)

    def in_force(self) -> dict[str, Any]:
        """The values of the fields as the API shows them: a kept key as its mask."""
        shown: Any = wire_format.document(effective.current())
        for name in wire_format.PLACES[self.section]:
            shown = shown[name]
        return {**shown, **shown.get("config", {})}

    def save(self, *, by: User) -> bool:
        """Make the choices, or have each field say what is wrong with it."""
        if not self.is_valid():
            return False
        read = self.serializer(data=self._body())
        if not read.is_valid():
            self._refuse(read.errors)
            return False
        choices = {self.section: wire_format.replacing(self.section, read.validated_data)}
        try:
            update.change(choices, by=by)
        except update.ChangeRefused as refusal:
            for wrong in refusal.wrongs:
                self.add_error(wrong.field, wrong.detail)
            return False
        return True

    def _body(self) -> dict[str, Any]:
        given = {name: None if value == "" else value for name, value in self.cleaned_data.items()}
        config = {name: given.pop(name) for name in wire_format.CONFIG.get(self.section, ())}
        return {**given, "config": config} if config else given

    def _refuse(self, errors: Mapping[str, Any]) -> None:
        for name, found in {**errors, **errors.get("config", {})}.items():
            if name in self.fields:
                self.add_error(name, [str(each) for each in found])


class LlmForm(SectionForm):
    section, title = "llm", "Language model"
    serializer = LlmSerializer

    provider = forms.ChoiceField(
        choices=[(name, name) for name in LLM_PROVIDERS], widget=UnfoldAdminSelectWidget
    )
    model = _text("Model")
    api_key = _text("API key")
    openai_base_url = _text("Base URL")
    ollama_base_url = _text("Base URL of Ollama")
    temperature = forms.FloatField(required=False, widget=UnfoldAdminDecimalFieldWidget)
    max_tokens = forms.IntegerField(required=False, widget=UnfoldAdminIntegerFieldWidget)


class EmbedderForm(SectionForm):
    section, title = "embedder", "Embedding model"
    serializer = EmbedderSerializer

    provider = forms.ChoiceField(
        choices=[(name, name) for name in EMBEDDER_PROVIDERS], widget=UnfoldAdminSelectWidget
    )
    model = _text("Model")
    api_key = _text("API key")
    openai_base_url = _text("Base URL")
    ollama_base_url = _text("Base URL of Ollama")
    dimensions = forms.IntegerField(required=False, widget=UnfoldAdminIntegerFieldWidget)


class InstructionsForm(SectionForm):
    section, title = "openmemory", "Instructions"
    serializer = OpenMemorySerializer

    custom_instructions = forms.CharField(
        required=False, strip=False, widget=UnfoldAdminTextareaWidget
    )


FORMS: dict[str, type[SectionForm]] = {
    form.section: form for form in (LlmForm, EmbedderForm, InstructionsForm)
}
