"""Forms for the sections of the configuration, validated by the API's serializers."""

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
from configuration.catalog import EMBEDDER_PROVIDERS, LLM_PROVIDERS
from configuration.effective import current_settings
from configuration.sections import CONFIG_FIELDS, Section
from configuration.serializers import (
    THINK_LEVELS,
    EmbedderSerializer,
    LlmSerializer,
    OpenMemorySerializer,
)
from configuration.update import InvalidChange, update_configuration
from configuration.wire_format import SECTION_PATHS, build_document, extract, replace_section

THINK_CHOICES = ["true", "false", *THINK_LEVELS]


def _text_field(label: str) -> forms.CharField:
    widget = UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "spellcheck": "false"})
    return forms.CharField(label=label, required=False, strip=True, widget=widget)


def _adapt_help_text(help_text: object) -> str:
    """The API's help text, for a form instead of JSON."""
    return str(help_text).replace("`", "").replace("Null:", "Empty:")


class SectionForm(forms.Form):
    """One section of the configuration. An empty field is reset to its default."""

    section: ClassVar[Section]
    title: ClassVar[str]
    serializer: ClassVar[type[Serializer]]

    def __init__(self, data: Mapping[str, Any] | None = None) -> None:
        initial = None if data else self.current_values()
        super().__init__(data, initial=initial, auto_id=f"{self.section}_%s")
        serializer = self.serializer()
        config = getattr(serializer.fields.get("config"), "fields", {})
        described = {**serializer.fields, **config}
        for name, field in self.fields.items():
            field.help_text = _adapt_help_text(described[name].help_text)

    def current_values(self) -> dict[str, Any]:
        """The values of the fields as the API shows them, with a mask for a stored key."""
        values = extract(build_document(current_settings()), SECTION_PATHS[self.section])
        config = values.get("config", {})
        if isinstance(config.get("think"), bool):
            config = {**config, "think": str(config["think"]).lower()}
        return {**values, **config}

    def save(self, *, by: User) -> bool:
        """Change the section, or add errors to the fields and return False."""
        if not self.is_valid():
            return False
        serializer = self.serializer(data=self._body())
        if not serializer.is_valid():
            self._add_errors(serializer.errors)
            return False
        try:
            update_configuration([replace_section(self.section, serializer.validated_data)], by=by)
        except InvalidChange as invalid:
            for error in invalid.errors:
                self.add_error(error.field, error.detail)
            return False
        return True

    def _body(self) -> dict[str, Any]:
        body = {name: None if value == "" else value for name, value in self.cleaned_data.items()}
        config = {name: body.pop(name) for name in CONFIG_FIELDS[self.section]}
        return {**body, "config": config} if config else body

    def _add_errors(self, errors: Mapping[str, Any]) -> None:
        for name, details in {**errors, **errors.get("config", {})}.items():
            if name in self.fields:
                self.add_error(name, [str(detail) for detail in details])


class LlmForm(SectionForm):
    section, title = "llm", "Language model"
    serializer = LlmSerializer

    provider = forms.ChoiceField(
        choices=[(name, name) for name in LLM_PROVIDERS], widget=UnfoldAdminSelectWidget
    )
    model = _text_field("Model")
    api_key = _text_field("API key")
    openai_base_url = _text_field("Base URL")
    ollama_base_url = _text_field("Base URL of Ollama")
    temperature = forms.FloatField(required=False, widget=UnfoldAdminDecimalFieldWidget)
    max_tokens = forms.IntegerField(required=False, widget=UnfoldAdminIntegerFieldWidget)
    num_ctx = forms.IntegerField(
        label="Context (num_ctx)", required=False, widget=UnfoldAdminIntegerFieldWidget
    )
    think = forms.ChoiceField(
        choices=[("", "the model's own"), *((value, value) for value in THINK_CHOICES)],
        required=False,
        widget=UnfoldAdminSelectWidget,
    )


class EmbedderForm(SectionForm):
    section, title = "embedder", "Embedding model"
    serializer = EmbedderSerializer

    provider = forms.ChoiceField(
        choices=[(name, name) for name in EMBEDDER_PROVIDERS], widget=UnfoldAdminSelectWidget
    )
    model = _text_field("Model")
    api_key = _text_field("API key")
    openai_base_url = _text_field("Base URL")
    ollama_base_url = _text_field("Base URL of Ollama")
    dimensions = forms.IntegerField(required=False, widget=UnfoldAdminIntegerFieldWidget)
    batch_size = forms.IntegerField(required=False, widget=UnfoldAdminIntegerFieldWidget)


class InstructionsForm(SectionForm):
    section, title = "openmemory", "Instructions"
    serializer = OpenMemorySerializer

    custom_instructions = forms.CharField(
        required=False, strip=False, widget=UnfoldAdminTextareaWidget
    )


FORMS: dict[str, type[SectionForm]] = {
    form.section: form for form in (LlmForm, EmbedderForm, InstructionsForm)
}
