from __future__ import annotations

from rest_framework import serializers

from core.api.fields import EpochField
from memories.access.history import Change
from memories.models import State


class UsedKeySerializer(serializers.Serializer):
    """The key of a request."""

    id = serializers.UUIDField(help_text="The id of the key.")
    name = serializers.CharField(help_text="What the key is for.")


class HistoryEntrySerializer(serializers.Serializer):
    """One change of a memory."""

    change = serializers.ChoiceField(
        [str(change) for change in Change],
        help_text="`stored`; `revised`: edited; `state`: paused, archived, deleted or made active "
        "again; `superseded`: archived in favour of another memory; `supersedes`: another memory "
        "was archived in favour of this one.",
    )
    at = EpochField(help_text="When it was changed, in seconds since 1970.")
    user_id = serializers.CharField(
        source="by.user_id",
        default=None,
        allow_null=True,
        help_text="Who changed it; null for a language model, and for a user who is gone.",
    )
    key = UsedKeySerializer(allow_null=True, help_text="The key of the request, if known.")
    app = serializers.CharField(
        source="app.name",
        default=None,
        allow_null=True,
        help_text="The app that changed it, if known.",
    )
    reason = serializers.CharField(help_text="Why the state changed, if a reason is known.")
    state = serializers.ChoiceField(
        State.choices, allow_null=True, help_text="The state that it got; null for other changes."
    )
    memory_id = serializers.UUIDField(
        allow_null=True,
        help_text="The memory that replaced it, or that it replaced; null for other changes.",
    )
    before = serializers.DictField(
        help_text="The fields that changed, as they were before: `text`, `metadata_`, "
        "`categories`, `actor`, `conversation`, `created_at`, `expires_at`, `valid_from`, "
        "`valid_until`, `immutable` or `state`."
    )
