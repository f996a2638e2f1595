from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NoReturn

from django.conf import settings
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from accounts.models import ApiKey
from core.api.fields import EpochField, FlagField, IdField, ObjectField, OneOrMoreField, TextField
from memories.lifecycle.remember import Event, NewMemory
from memories.lifecycle.transcript import build_transcript, find_only_speaker
from memories.limits import (
    MAX_FILTER_VALUES,
    MAX_MESSAGES,
    MAX_METADATA_BYTES,
    MAX_NAME,
    MAX_TEXT_BYTES,
)
from memories.models import Memory, Terms
from memories.models.state import SHOWN_STATES
from memories.models.terms import NeverValid

from .chat_message import ConversationMessageSerializer
from .terms_fields import TermsSerializer, read_terms


class NamesField(OneOrMoreField):
    """Names of actors or conversations."""

    def __init__(self, **kwargs: Any) -> None:
        child = TextField(max_length=MAX_NAME)
        super().__init__(child=child, required=False, max_length=MAX_FILTER_VALUES, **kwargs)


class EmptyAsNullField(serializers.CharField):
    """A string that is empty in the database when it is unknown, and null in the API."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_null=True, **kwargs)

    def to_representation(self, value: str) -> str | None:  # type: ignore[override]
        return value or None


class MemoryItemSerializer(serializers.ModelSerializer):
    """A memory in a list."""

    class Meta:
        model = Memory
        fields = [
            "id", "content", "created_at", "state", "app_id", "app_name", "categories", "metadata_",
            "superseded_by", "supersedes", "actor", "conversation", "expires_at", "valid_from",
            "valid_until", "immutable", "namespace", "key",
        ]  # fmt: skip

    created_at = EpochField(help_text="When it was said, in seconds since 1970.")
    state = serializers.ChoiceField(
        SHOWN_STATES,
        source="shown_state",
        help_text="`expired` is shown to the user alone: what it was before is kept.",
    )
    app_id = serializers.UUIDField(help_text="The app that stored it.")
    app_name = serializers.CharField(source="app.name", help_text="The name of that app.")
    categories = serializers.ListField(
        child=serializers.CharField(), source="category_names", help_text="Its categories, by name."
    )
    metadata_ = serializers.DictField(source="metadata", help_text="Key-value pairs of the app.")
    superseded_by = serializers.UUIDField(
        source="superseding_id",
        allow_null=True,
        help_text="The memory that replaced it when it was archived.",
    )
    supersedes = serializers.ListField(
        child=serializers.UUIDField(),
        source="supersedes_ids",
        help_text="The archived memories that this one replaced.",
    )
    actor = EmptyAsNullField(help_text="Who said it; null if unknown.")
    conversation = EmptyAsNullField(
        help_text="The conversation that it is from; null if none was given."
    )
    expires_at = EpochField(
        allow_null=True, help_text="From when on it is shown nowhere; null: never."
    )
    valid_from = EpochField(
        allow_null=True, help_text="Since when what it says is true; null: always."
    )
    valid_until = EpochField(
        allow_null=True, help_text="When what it says ends to be true; null: never."
    )
    namespace = EmptyAsNullField(help_text="The namespace of its own key; null if it has none.")
    key = EmptyAsNullField(
        source="own_key", help_text="The key of its own that it was stored by; null if none."
    )


class MemorySerializer(MemoryItemSerializer):
    """A single memory. Its content is called `text`."""

    class Meta(MemoryItemSerializer.Meta):
        fields = [
            "text" if name == "content" else name for name in MemoryItemSerializer.Meta.fields
        ]

    text = serializers.CharField(source="content", help_text="The text of the memory.")


def show(memory: Memory) -> dict[str, Any]:
    """Serialize a memory as `MemorySerializer` does, in a tenth of its time."""
    return _show(memory, "text")


def show_item(memory: Memory) -> dict[str, Any]:
    """Serialize a memory in a list as `MemoryItemSerializer` does."""
    return _show(memory, "content")


def _show(memory: Memory, content: str) -> dict[str, Any]:
    return {
        "id": str(memory.pk),
        content: memory.content,
        "created_at": _epoch(memory.created_at),
        "state": str(memory.shown_state),
        "app_id": str(memory.app_id),
        "app_name": memory.app.name,
        "categories": list(memory.category_names),
        "metadata_": memory.metadata,
        "superseded_by": memory.superseding_id and str(memory.superseding_id),
        "supersedes": [str(pk) for pk in memory.supersedes_ids],
        "actor": memory.actor or None,
        "conversation": memory.conversation or None,
        "expires_at": _epoch(memory.expires_at),
        "valid_from": _epoch(memory.valid_from),
        "valid_until": _epoch(memory.valid_until),
        "immutable": memory.immutable,
        "namespace": memory.namespace or None,
        "key": memory.own_key or None,
    }


def _epoch(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())


def show_written(memory: Memory, event: Event, *, job: str | None, key: ApiKey) -> dict[str, Any]:
    """What a key is answered that stored a memory: no more than a receipt if it may not read."""
    receipt = {"event": event, "job": job}
    return {**show(memory), **receipt} if key.can_read else {"id": str(memory.pk), **receipt}


class StoredMemorySerializer(MemorySerializer):
    """A memory as stored, with the outcome."""

    class Meta(MemorySerializer.Meta):
        fields = [*MemorySerializer.Meta.fields, "event", "job"]

    event = serializers.ChoiceField(
        [str(Event.ADD), str(Event.DUPLICATE)],
        help_text="`DUPLICATE` if an active memory of the app has this text: this is that memory.",
    )
    job = serializers.CharField(
        allow_null=True, help_text="The path of the job that extracts facts from it, if any."
    )


class NewMemorySerializer(TermsSerializer):
    default_error_messages = {
        "nothing": "Send `text` or `messages`.",
        "both": "Send either `text` or `messages`, not both.",
        "silence": "Send at least one message of a user or an assistant that has a text.",
        "too_large": "Send at most {max_bytes} bytes of UTF-8 in all messages together.",
    }

    text = TextField(
        required=False, max_bytes=MAX_TEXT_BYTES, help_text="The text to store, up to 32 KiB."
    )
    messages = OneOrMoreField(
        child=ConversationMessageSerializer(),
        required=False,
        allow_null=True,
        max_length=MAX_MESSAGES,
        help_text="A conversation instead of `text`: up to 200 messages and 32 KiB. It is stored "
        "as one text with a line for each message, such as `Ana: I like tea.`",
    )
    metadata = ObjectField(
        max_bytes=MAX_METADATA_BYTES,
        default=dict,
        allow_null=True,
        help_text="Key-value pairs to store with it, up to 16 KiB.",
    )
    infer = FlagField(
        default=True,
        help_text="Assign categories, skip exact duplicates, and extract facts if a language model "
        "is configured. `false` stores the text as it is.",
    )
    app = TextField(
        required=False,
        allow_null=True,
        max_length=MAX_NAME,
        help_text="The app that stores it: by default the app of the key, else `openmemory`. It is "
        "created on first use.",
    )
    timestamp = EpochField(
        past=True,
        required=False,
        allow_null=True,
        help_text="When it was said, in seconds since 1970; by default now.",
    )

    actor = TextField(
        required=False,
        allow_null=True,
        max_length=MAX_NAME,
        help_text="Who said it. By default the `actor` of the metadata, the only speaker in "
        "`messages`, or the name that the text begins with, as in `Ana: I like tea.`, if it is "
        "known as a speaker's.",
    )
    conversation = TextField(
        required=False,
        allow_null=True,
        max_length=MAX_NAME,
        help_text="The conversation that it is from, by a name of your choice. By default the "
        "`run_id` of the metadata.",
    )
    supersedes = OneOrMoreField(
        child=IdField(),
        required=False,
        allow_null=True,
        max_length=MAX_FILTER_VALUES,
        help_text="The ids of memories whose place it takes, at most 100. They are archived, and "
        "can be restored. With an unknown one the response is 404, and nothing is stored.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Replace `messages` with their transcript."""
        try:
            Terms(**read_terms(attrs)).require_order()
        except NeverValid as error:
            raise serializers.ValidationError(
                {"valid_until": [ErrorDetail(error.detail, error.code)]}
            ) from error
        messages = attrs.pop("messages", None)
        if messages is None:
            if "text" not in attrs:
                self._reject("text", "nothing")
            return attrs
        if "text" in attrs:
            self._reject("messages", "both")
        text = build_transcript(messages)
        if not text:
            self._reject("messages", "silence")
        if len(text.encode()) > MAX_TEXT_BYTES:
            self._reject("messages", "too_large", max_bytes=MAX_TEXT_BYTES)
        return {**attrs, "text": text, "speaker": find_only_speaker(messages)}

    def _reject(self, field: str, code: str, **values: Any) -> NoReturn:
        detail = self.error_messages[code].format(**values)
        raise serializers.ValidationError({field: [ErrorDetail(detail, code)]})


def build_new_memory(fields: Mapping[str, Any]) -> NewMemory:
    """Build a memory to store from the validated fields of a `NewMemorySerializer`."""
    return NewMemory(
        fields["text"],
        infer=fields["infer"],
        # The original server categorized whatever `infer` said, which its page always switches off.
        categorizes=settings.LEGACY_CLIENTS,
        metadata=fields["metadata"] or {},
        actor=fields.get("actor"),
        speaker=fields.get("speaker"),
        conversation=fields.get("conversation"),
        learned_at=fields.get("timestamp"),
        terms=Terms(**read_terms(fields)),
        supersedes=set(fields.get("supersedes") or ()),
    )


class MessageSerializer(serializers.Serializer):
    message = serializers.CharField(help_text="What was done, as a sentence.")
    count = serializers.IntegerField(
        required=False, help_text="How many memories were changed, where `filters` selected them."
    )
