from __future__ import annotations

from rest_framework import serializers

from accounts.subjects import SubjectSerializer
from apps_registry.models import AccessRule, Effect
from core.api.fields import IdField, LegacyDateTimeField, OneOfField

from .memory import MemoryItemSerializer

TIMES = ("expires_at", "valid_from", "valid_until")


class AppMemorySerializer(MemoryItemSerializer):
    """A memory of an app. Its times are in ISO 8601."""

    def get_fields(self) -> dict[str, serializers.Field]:
        fields = super().get_fields()
        return {
            **fields,
            "created_at": LegacyDateTimeField(help_text="When it was said."),
            **{
                name: LegacyDateTimeField(allow_null=True, help_text=fields[name].help_text)
                for name in TIMES
            },
        }


class ReadMemorySerializer(serializers.Serializer):
    """A memory that an app has read."""

    memory = AppMemorySerializer(source="*", help_text="The memory.")
    access_count = serializers.IntegerField(help_text="How often the app has read it.")


class RuleSerializer(serializers.ModelSerializer):
    """A rule that allows or denies an app to read memories."""

    class Meta:
        model = AccessRule
        fields = ["id", "memory_id", "effect", "created_at"]


class NewRuleSerializer(SubjectSerializer):
    memory_id = IdField(
        required=False,
        allow_null=True,
        help_text="The memory; null for all memories.",
    )
    effect = OneOfField(
        Effect.values,
        help_text="`deny` overrides `allow`. If any rule allows a single memory, the app can read "
        "only memories that are allowed.",
    )
