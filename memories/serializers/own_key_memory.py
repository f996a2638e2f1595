"""The body that stores a memory by a key of its own, and the namespaces of these keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from core.api.fields import EpochField, ObjectField, OneOrMoreField, TextField
from memories.lifecycle.revise import Edit
from memories.limits import (
    MAX_CATEGORY_NAME,
    MAX_FILTER_VALUES,
    MAX_METADATA_BYTES,
    MAX_NAME,
    MAX_TEXT_BYTES,
)
from memories.models import Terms

from .edits import CategoryNameField
from .terms_fields import TermsSerializer, read_terms


class KeyedMemorySerializer(TermsSerializer):
    """All of a memory. What is left out is empty, also where it was not before."""

    text = TextField(max_bytes=MAX_TEXT_BYTES, help_text="The text to store, up to 32 KiB.")
    metadata = ObjectField(
        max_bytes=MAX_METADATA_BYTES,
        required=False,
        allow_null=True,
        help_text="Key-value pairs to store with it, up to 16 KiB.",
    )
    categories = OneOrMoreField(
        child=CategoryNameField(max_length=MAX_CATEGORY_NAME),
        required=False,
        allow_null=True,
        max_length=MAX_FILTER_VALUES,
        help_text="Its categories, by name; they are created as needed. By default those that fit "
        "its text.",
    )
    actor = TextField(
        required=False,
        allow_null=True,
        max_length=MAX_NAME,
        help_text="Who said it. By default the `actor` of the metadata, if any.",
    )
    conversation = TextField(
        required=False,
        allow_null=True,
        max_length=MAX_NAME,
        help_text="The conversation that it is from. By default the `run_id` of the metadata.",
    )
    timestamp = EpochField(
        past=True,
        required=False,
        allow_null=True,
        help_text="When it was said, in seconds since 1970. By default now, or when it was first "
        "stored.",
    )
    app = TextField(
        required=False,
        allow_null=True,
        max_length=MAX_NAME,
        help_text="The app that stores it, if it is new: by default the app of the key, else "
        "`openmemory`.",
    )


class NamespaceSerializer(serializers.Serializer):
    namespace = serializers.CharField(help_text="The namespace: parts separated by dots.")
    count = serializers.IntegerField(
        source="number", help_text="How many active memories have a key in it, and not below it."
    )


def build_content(fields: Mapping[str, Any]) -> Edit:
    """Build what a memory is to be from the validated fields of a `KeyedMemorySerializer`.

    Raises NeverValid.
    """
    given = read_terms(fields)
    times: dict[str, Any] = dict.fromkeys(["expires_at", "valid_from", "valid_until"])
    # An immutable memory is edited only by who says that it is to be mutable.
    terms = times | given
    Terms(**terms).require_order()
    return Edit(
        text=fields["text"],
        metadata=fields.get("metadata") or {},
        categories=fields.get("categories"),
        actor=fields.get("actor"),
        conversation=fields.get("conversation"),
        said_at=fields.get("timestamp"),
        terms=terms,
    )
