from rest_framework import serializers

from openmemory.api.fields import ObjectField, TextField

from .models import User
from .models.user import validate_user_id

MAX_METADATA_BYTES = 16 * 1024


class UserSerializer(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = ["id", "user_id", "name", "email", "metadata", "is_operator", "created_at"]

    is_operator = serializers.BooleanField(
        source="is_staff", read_only=True, help_text="Whether this user may name any user."
    )


class NewUserSerializer(serializers.Serializer):
    user_id = TextField(
        max_length=255, validators=[validate_user_id], help_text="The name to call the user by."
    )
    name = TextField(
        max_length=255, allow_blank=True, default="", help_text="What people call this user."
    )
    email = serializers.EmailField(
        max_length=254, allow_blank=True, default="", help_text="Where this user can be reached."
    )
    metadata = ObjectField(
        max_bytes=MAX_METADATA_BYTES, default=dict, help_text="Anything else to keep, up to 16 KiB."
    )


class CreatedUserSerializer(UserSerializer):
    """A user as made, with the one key that is shown now and never again."""

    class Meta(UserSerializer.Meta):
        fields = [*UserSerializer.Meta.fields, "api_key"]

    api_key = serializers.CharField(read_only=True, help_text="Shown this once: keep it.")
