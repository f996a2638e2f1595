"""The whole configuration as JSON, in a form: what the API reads and answers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.models import User
from configuration.effective import current_settings
from configuration.serializers import ConfigurationSerializer
from configuration.update import InvalidChange, update_configuration
from configuration.wire_format import build_document, field_path, replace_section, split_sections

MAX_CHARACTERS = 100_000


class JsonForm(forms.Form):
    section, title = "json", "As JSON"

    document = forms.CharField(
        label="Configuration",
        strip=False,
        max_length=MAX_CHARACTERS,
        help_text="As `GET /api/v1/config` answers. A section that is left out does not change; in "
        "a section that is here, fields that are left out return to their defaults.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 24, "spellcheck": "false", "dir": "ltr"}),
    )

    def __init__(self, data: Mapping[str, Any] | None = None) -> None:
        shown = json.dumps(build_document(current_settings()), indent=2, ensure_ascii=False)
        super().__init__(data, initial={"document": shown}, auto_id="json_%s")

    def clean_document(self) -> dict[str, Any]:
        try:
            document = json.loads(self.cleaned_data["document"])
        except RecursionError:
            raise forms.ValidationError("This is nested too deeply.", code="json") from None
        except ValueError as error:
            raise forms.ValidationError(f"This is not JSON: {error}", code="json") from None
        if not isinstance(document, dict):
            raise forms.ValidationError("This is no JSON object, as {…} is.", code="json")
        serializer = ConfigurationSerializer(data=document)
        if not serializer.is_valid():
            raise forms.ValidationError(list(_describe_errors(serializer.errors)), code="invalid")
        values: dict[str, Any] = dict(serializer.validated_data)
        return values

    def save(self, *, by: User) -> bool:
        """Change the sections that are there, or add errors and return False."""
        if not self.is_valid():
            return False
        sections = split_sections(self.cleaned_data["document"])
        changes = [
            replace_section(section, value) for section, value in sections if value is not None
        ]
        try:
            update_configuration(changes, by=by)
        except InvalidChange as invalid:
            for error in invalid.errors:
                path = ".".join(field_path(error.section, error.field))
                self.add_error("document", f"{path}: {error.detail}")
            return False
        return True


def _describe_errors(errors: Any, path: str = "") -> Iterator[str]:
    """Each error of a serializer with the path of its field."""
    if isinstance(errors, Mapping):
        for name, inner in errors.items():
            is_field = name != "non_field_errors"
            yield from _describe_errors(inner, f"{path}.{name}".lstrip(".") if is_field else path)
    else:
        yield from (f"{path}: {error}" if path else str(error) for error in errors)
