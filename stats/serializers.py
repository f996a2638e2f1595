from rest_framework import serializers

from apps_registry.models import App
from core.api.fields import EpochField


class StatsAppSerializer(serializers.ModelSerializer):
    class Meta:
        model = App
        fields = [
            "id", "owner_id", "name", "description", "metadata", "is_active", "created_at",
            "updated_at",
        ]  # fmt: skip

    owner_id = serializers.UUIDField(help_text="The owner of the app.")


class StatsSerializer(serializers.Serializer):
    total_memories = serializers.IntegerField(
        help_text="Memories of the user, less the deleted ones."
    )
    total_apps = serializers.IntegerField(help_text="Number of apps of the user.")
    apps = StatsAppSerializer(many=True, help_text="All apps of the user, ordered by name.")
    as_of = EpochField(
        required=False, help_text="Present with `as_of`: the time, in seconds since 1970."
    )
    erased_since = serializers.IntegerField(
        required=False,
        help_text="Present with `as_of`, but not for apps: how many memories of then have been "
        "purged since.",
    )
