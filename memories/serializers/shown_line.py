from __future__ import annotations

from typing import Any

from rest_framework import serializers

from memories.models import LogLine

from .history_entry import UsedKeySerializer


class HexField(serializers.CharField):
    """Bytes in hexadecimal digits."""

    def to_representation(self, value: Any) -> str:
        return bytes(value).hex()


class LogLineSerializer(serializers.ModelSerializer):
    """One change of a memory, as the log proves it."""

    at = serializers.DateTimeField(help_text="When it was changed, in UTC, to the microsecond.")
    user_id = serializers.CharField(
        source="by.user_id",
        default=None,
        allow_null=True,
        help_text="Who changed it; null for the server, and where it is unknown.",
    )
    key = UsedKeySerializer(allow_null=True, help_text="The key of the request, if known.")
    app = serializers.CharField(
        source="app.name",
        default=None,
        allow_null=True,
        help_text="The app that changed it, if known.",
    )
    memory_id = serializers.UUIDField(
        allow_null=True,
        help_text="Null for a category that was renamed, for the log of a former server, and for a "
        "reading.",
    )
    run = serializers.UUIDField(
        allow_null=True,
        help_text="The run of inference, or the import, that the change is part of.",
    )
    note = serializers.JSONField(
        read_only=True,
        allow_null=True,
        help_text="What a line without a memory tells: `category`, `former_name` and `name`; or "
        "`sequence` and `hash`, the end of the former log, and `user`, whose it was there; or the "
        "`memories` that were read, by which `app` (null for the user), and how (`access`).",
    )
    redacted = serializers.SerializerMethodField(
        help_text="Whether the content is gone, because the memory was purged or erased."
    )
    content_hash = HexField(help_text="SHA-256 of the memory after the change, with a salt.")
    previous_hash = HexField(help_text="The `hash` of the line before; zeros for the first line.")
    hash = HexField(help_text="SHA-256 of this line, with `content_hash` and `previous_hash`.")

    class Meta:
        model = LogLine
        fields = (
            "sequence", "at", "kind", "memory_id", "note", "run", "user_id", "key", "app",
            "redacted", "content_hash", "previous_hash", "hash",
        )  # fmt: skip

    def get_redacted(self, line: LogLine) -> bool:
        return line.salt is None
