"""The messages of a conversation, as the APIs of language models write them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.fields import OneOfField, TextField
from core.api.serializers import RequestSerializer
from memories.lifecycle.transcript import ROLES
from memories.limits import MAX_SPEAKER_NAME, MAX_TEXT_BYTES

# Parts of a message that are texts. Others, such as images, are left out.
TEXT_PARTS = {"text", "input_text", "output_text"}


@extend_schema_field(
    {
        "anyOf": [
            {"type": "string", "maxLength": MAX_TEXT_BYTES},
            {"type": "array", "items": {"type": ["object", "string"]}},
        ]
    }
)
class ContentField(TextField):
    """A text, or a list of parts whose texts are joined by line breaks."""

    default_error_messages = {
        "invalid_part": "A part is a text, or an object such as "
        '`{{"type": "text", "text": "I like tea."}}`.'
    }

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if isinstance(data, Mapping):
            data = [data]
        if isinstance(data, list):
            data = "\n".join(self._texts(data))
        return super().run_validation(data)

    def _texts(self, parts: list[Any]) -> Iterator[str]:
        for part in parts:
            if isinstance(part, str):
                yield part
                continue
            kind = part.get("type") or "text" if isinstance(part, Mapping) else None
            if not isinstance(kind, str):
                self.fail("invalid_part")
            if kind in TEXT_PARTS:
                if not isinstance(part.get("text"), str):
                    self.fail("invalid_part")
                yield part["text"]


class ConversationMessageSerializer(RequestSerializer):
    """One message of a conversation."""

    # Of messages in the format of OpenAI: of calls of tools, and of the Responses API.
    ignored_fields: ClassVar = {
        "annotations", "audio", "function_call", "id", "reasoning", "reasoning_content", "refusal",
        "status", "tool_call_id", "tool_calls", "type",
    }  # fmt: skip

    role = OneOfField(ROLES, help_text="Only messages of `user` and `assistant` are stored.")
    content = ContentField(
        allow_blank=True,
        allow_null=True,
        max_bytes=MAX_TEXT_BYTES,
        help_text="The text of the message, or its parts, of which only texts are stored.",
    )
    name = TextField(
        required=False,
        allow_null=True,
        max_length=MAX_SPEAKER_NAME,
        help_text="The speaker, if not the role.",
    )
