from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from accounts.subjects import SubjectSerializer
from core.api.fields import EpochField, FlagField, IdField, ObjectField, TextField
from memories.lifecycle.remember import Event, NewMemory
from memories.lifecycle.transcript import ROLES, build_transcript, find_only_speaker
from memories.limits import (
    MAX_FILTER_VALUES,
    MAX_IDS,
    MAX_MESSAGES,
    MAX_METADATA_BYTES,
    MAX_NAME,
    MAX_SPEAKER_NAME,
    MAX_TEXT_BYTES,
)
from memories.models import Memory


class NamesField(serializers.ListField):
    """A few actors or conversations to choose from."""

    def __init__(self, **kwargs: Any) -> None:
        child = TextField(max_length=MAX_NAME)
        super().__init__(child=child, required=False, max_length=MAX_FILTER_VALUES, **kwargs)


class KnownField(serializers.CharField):
    """A name that may be unknown, which the database keeps as empty, and the API shows as null."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_null=True, **kwargs)

    def to_representation(self, value: str) -> str | None:  # type: ignore[override]
        return value or None


class MemoryItemSerializer(serializers.ModelSerializer):
    """One memory of a list."""

    class Meta:
        model = Memory
        fields = [
            "id", "content", "created_at", "state", "app_id", "app_name", "categories", "metadata_",
            "superseded_by", "supersedes", "actor", "conversation",
        ]  # fmt: skip

    created_at = EpochField(help_text="When it was learned, in seconds since 1970.")
    app_id = serializers.UUIDField(help_text="The app that put it down.")
    app_name = serializers.CharField(source="app.name", help_text="The name of that app.")
    categories = serializers.ListField(
        child=serializers.CharField(), source="category_names", help_text="The themes it is about."
    )
    metadata_ = serializers.DictField(
        source="metadata", help_text="Key-value pairs that the app keeps beside it."
    )
    superseded_by = serializers.UUIDField(
        source="superseded_by_id",
        allow_null=True,
        help_text="The memory that it was archived for, because that one holds now.",
    )
    supersedes = serializers.ListField(
        child=serializers.UUIDField(),
        source="supersedes_ids",
        help_text="The memories that were archived for this one.",
    )
    actor = KnownField(help_text="Who said it, null when that is unknown.")
    conversation = KnownField(
        help_text="The conversation that it was said in, null when none was named."
    )


class MemorySerializer(MemoryItemSerializer):
    """One memory by itself, where its content is called `text`."""

    class Meta(MemoryItemSerializer.Meta):
        fields = [
            "text" if name == "content" else name for name in MemoryItemSerializer.Meta.fields
        ]

    text = serializers.CharField(source="content", help_text="The memory itself, as it was sent.")


# One for all answers: making the fields of a serializer takes a millisecond, filling them a tenth.
_shown = MemorySerializer()


def show(memory: Memory) -> dict[str, Any]:
    """Say what `MemorySerializer` says of a memory."""
    return _shown.to_representation(memory)


class RememberedSerializer(MemorySerializer):
    """A memory as put down, and what became of the text."""

    class Meta(MemorySerializer.Meta):
        fields = [*MemorySerializer.Meta.fields, "event", "job"]

    event = serializers.ChoiceField(
        [str(event) for event in Event],
        help_text="`DUPLICATE` when the app had put this text down before: this is that memory.",
    )
    job = serializers.CharField(
        allow_null=True, help_text="The address of the job that goes on with it, if any."
    )


class SaidSerializer(serializers.Serializer):
    """One message of a conversation."""

    role = serializers.ChoiceField(
        ROLES, help_text="Only what `user` and `assistant` say is remembered."
    )
    content = TextField(
        allow_blank=True, allow_null=True, max_bytes=MAX_TEXT_BYTES, help_text="What is said."
    )
    name = TextField(
        required=False,
        allow_null=True,
        max_length=MAX_SPEAKER_NAME,
        help_text="Who says it, if not the role.",
    )


class NewMemorySerializer(SubjectSerializer):
    default_error_messages = {
        "nothing": "Send a text, or messages.",
        "both": "Send a text or messages, not both.",
        "silence": "Nobody says anything here: system messages and tools do not count.",
        "too_large": "Send at most {max_bytes} bytes of UTF-8, all messages together.",
    }

    text = TextField(
        required=False, max_bytes=MAX_TEXT_BYTES, help_text="What to remember, up to 32 KiB."
    )
    messages = serializers.ListField(
        child=SaidSerializer(),
        required=False,
        allow_null=True,
        max_length=MAX_MESSAGES,
        help_text="A conversation in place of `text`: up to 200 messages and 32 KiB. It is stored "
        "as a text with a line for each, such as `Ana: I like tea.`",
    )
    metadata = ObjectField(
        max_bytes=MAX_METADATA_BYTES,
        default=dict,
        allow_null=True,
        help_text="Key-value pairs to keep beside it, up to 16 KiB.",
    )
    infer = FlagField(
        default=True,
        help_text="Categorise it and do not store an exact duplicate again; and where a language "
        "model is configured, turn it into facts. `false` stores it as it is.",
    )
    app = TextField(
        required=False,
        allow_null=True,
        max_length=MAX_NAME,
        help_text="Which app remembers: the key's, else `openmemory`. Made on first use.",
    )
    timestamp = EpochField(
        past=True,
        required=False,
        allow_null=True,
        help_text="When it was learned, in seconds since 1970; by default now.",
    )

    actor = TextField(
        required=False,
        allow_null=True,
        max_length=MAX_NAME,
        help_text="Who said it. By default the `actor` of the metadata, the only one who speaks in "
        "`messages`, or whom the text begins with, as `Ana: I like tea.` does.",
    )
    conversation = TextField(
        required=False,
        allow_null=True,
        max_length=MAX_NAME,
        help_text="The conversation that it was said in, by a name of your own. By default the "
        "`run_id` of the metadata.",
    )

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        """Put the text of a conversation in the place of its messages."""
        messages = given.pop("messages", None)
        if messages is None:
            if "text" not in given:
                self._refuse("text", "nothing")
            return given
        if "text" in given:
            self._refuse("messages", "both")
        text = build_transcript(messages)
        if not text:
            self._refuse("messages", "silence")
        if len(text.encode()) > MAX_TEXT_BYTES:
            self._refuse("messages", "too_large", max_bytes=MAX_TEXT_BYTES)
        return {**given, "text": text, "speaker": find_only_speaker(messages)}

    def _refuse(self, field: str, code: str, **values: Any) -> NoReturn:
        detail = self.error_messages[code].format(**values)
        raise serializers.ValidationError({field: [ErrorDetail(detail, code)]})


def build_new_memory(fields: Mapping[str, Any]) -> NewMemory:
    """Build a memory to store from the validated fields of a `NewMemorySerializer`."""
    return NewMemory(
        fields["text"],
        infer=fields["infer"],
        metadata=fields["metadata"] or {},
        actor=fields.get("actor"),
        speaker=fields.get("speaker"),
        conversation=fields.get("conversation"),
        learned_at=fields.get("timestamp"),
    )


class RevisionSerializer(SubjectSerializer):
    memory_content = TextField(max_bytes=MAX_TEXT_BYTES, help_text="What it says from now on.")


class MemoryIdsSerializer(SubjectSerializer):
    memory_ids = serializers.ListField(
        child=IdField(),
        min_length=1,
        max_length=MAX_IDS,
        help_text="Which memories, 1 to 10,000.",
    )


class MessageSerializer(serializers.Serializer):
    message = serializers.CharField(help_text="What was done, in a sentence.")
