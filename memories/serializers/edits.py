"""The bodies of edits: the replacement of a content, and the patch of any fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from accounts.subjects import SubjectSerializer
from core.api.fields import EpochField, ObjectField, OneOrMoreField, TextField
from memories.lifecycle.revise import Edit
from memories.limits import (
    MAX_CATEGORY_NAME,
    MAX_FILTER_VALUES,
    MAX_METADATA_BYTES,
    MAX_NAME,
    MAX_TEXT_BYTES,
)
from memories.taxonomy import InvalidCategoryName, normalize_category_name

from .terms_fields import TermsSerializer, read_terms


class CategoryNameField(TextField):
    """The name of a category, in the form in which it is stored."""

    default_error_messages = {"name_refused": InvalidCategoryName.__doc__ or ""}

    def to_internal_value(self, data: Any) -> str:
        try:
            return normalize_category_name(super().to_internal_value(data))
        except InvalidCategoryName:
            self.fail("name_refused")


class RevisionSerializer(SubjectSerializer):
    # The original's page repeats the id of the path.
    ignored_fields: ClassVar = {"memory_id"}

    memory_content = TextField(max_bytes=MAX_TEXT_BYTES, help_text="The new content.")
    metadata = ObjectField(
        max_bytes=MAX_METADATA_BYTES,
        required=False,
        allow_null=True,
        help_text="The new metadata in place of all that it has, up to 16 KiB. Null: none.",
    )


class PatchSerializer(TermsSerializer):
    """What to change of a memory. A field that is left out stays as it is."""

    text = TextField(
        required=False, max_bytes=MAX_TEXT_BYTES, help_text="The new text, up to 32 KiB."
    )
    metadata = ObjectField(
        max_bytes=MAX_METADATA_BYTES,
        required=False,
        allow_null=True,
        help_text="Merged into the metadata after RFC 7396: objects at any depth are merged, null "
        "removes a key, and anything else replaces a value. Null instead of an object removes all. "
        "Together up to 16 KiB.",
    )
    categories = OneOrMoreField(
        child=CategoryNameField(max_length=MAX_CATEGORY_NAME),
        required=False,
        allow_null=True,
        max_length=MAX_FILTER_VALUES,
        help_text="The categories that it is in from now on, by name; they are created as needed. "
        "Null or an empty list: none. No model assigns others until the text is edited without "
        "`categories`.",
    )
    actor = TextField(
        required=False,
        allow_null=True,
        max_length=MAX_NAME,
        help_text="Who said it. Null: unknown.",
    )
    conversation = TextField(
        required=False,
        allow_null=True,
        max_length=MAX_NAME,
        help_text="The conversation that it is from. Null: none.",
    )
    timestamp = EpochField(
        past=True, required=False, help_text="When it was said, in seconds since 1970."
    )


def build_replacement(fields: Mapping[str, Any]) -> Edit:
    """Build an edit from the validated fields of a `RevisionSerializer`."""
    return Edit(text=fields["memory_content"], metadata=_given(fields, "metadata", {}))


def build_edit(fields: Mapping[str, Any]) -> Edit:
    """Build an edit from the validated fields of a `PatchSerializer`."""
    patch = fields.get("metadata")
    return Edit(
        text=fields.get("text"),
        metadata=_given(fields, "metadata", {}) if patch is None else None,
        metadata_patch=patch,
        categories=_given(fields, "categories", []),
        actor=_given(fields, "actor", ""),
        conversation=_given(fields, "conversation", ""),
        said_at=fields.get("timestamp"),
        terms=read_terms(fields),
    )


def _given(fields: Mapping[str, Any], name: str, empty: Any) -> Any:
    """A field as it was sent, empty where null was sent, and None where nothing was."""
    return (fields[name] or empty) if name in fields else None
