from rest_framework import serializers

from accounts.subjects import SubjectSerializer
from core.api.fields import FlagField

from .models import App


class AppSerializer(serializers.ModelSerializer):
    """An app in a list of apps."""

    class Meta:
        model = App
        fields = [
            "id", "name", "is_active", "total_memories_created", "total_memories_accessed",
        ]  # fmt: skip

    total_memories_created = serializers.IntegerField(
        help_text="Memories that the app stored, less the deleted ones."
    )
    total_memories_accessed = serializers.IntegerField(
        help_text="Distinct memories that the app has read."
    )


class AppDetailSerializer(serializers.ModelSerializer):
    """An app with its usage."""

    class Meta:
        model = App
        fields = [
            "id", "name", "description", "is_active", "total_memories_created",
            "total_memories_accessed", "first_accessed", "last_accessed",
        ]  # fmt: skip

    total_memories_created = serializers.IntegerField(
        help_text="Memories that the app stored, less the deleted ones."
    )
    total_memories_accessed = serializers.IntegerField(
        source="total_accesses", help_text="How often the app has read a memory."
    )
    first_accessed = serializers.DateTimeField(
        allow_null=True, help_text="Null if the app has not read any."
    )
    last_accessed = serializers.DateTimeField(
        allow_null=True, help_text="Null if the app has not read any."
    )


class AppUpdateSerializer(SubjectSerializer):
    is_active = FlagField(
        required=False,
        help_text="`false` pauses the app, so that it cannot read or write. Required, unless "
        "the query has it.",
    )


class AppUpdatedSerializer(serializers.Serializer):
    status = serializers.ChoiceField(["success"], help_text="Always `success`.")
    message = serializers.CharField(help_text="What was done.")
