from rest_framework import serializers

from apps_registry.models import App


class StatsAppSerializer(serializers.ModelSerializer):
    class Meta:
        model = App
        fields = [
            "id", "owner_id", "name", "description", "metadata", "is_active", "created_at",
            "updated_at",
        ]  # fmt: skip

    owner_id = serializers.UUIDField(help_text="The user whose app it is.")


class StatsSerializer(serializers.Serializer):
    total_memories = serializers.IntegerField(help_text="Memories that are not deleted.")
    total_apps = serializers.IntegerField(help_text="Apps of the user.")
    apps = StatsAppSerializer(many=True, help_text="All of them, by name.")
