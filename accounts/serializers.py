from datetime import datetime

from django.utils import timezone
from rest_framework import serializers

from core.api.fields import ObjectField, TextField

from .models import ApiKey, Scope, User
from .models.user import validate_user_id
from .subjects import SubjectSerializer

MAX_METADATA_BYTES = 16 * 1024


class UserSerializer(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = ["id", "user_id", "name", "email", "metadata", "is_operator", "created_at"]

    is_operator = serializers.BooleanField(
        read_only=True, help_text="Whether this user may name any user."
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


class KeySerializer(serializers.ModelSerializer):
    """A key, without its secret."""

    class Meta:
        model = ApiKey
        fields = [
            "id", "name", "app", "prefix", "scopes", "created_at", "expires_at", "revoked_at",
            "last_used_at",
        ]  # fmt: skip

    app = serializers.SerializerMethodField(help_text="The only app it may act as, or null.")
    scopes = serializers.ListField(
        child=serializers.ChoiceField(Scope.values), help_text="What the key may do."
    )

    def get_app(self, key: ApiKey) -> str | None:
        return key.app_name or None


class NewKeySerializer(SubjectSerializer):
    name = TextField(max_length=255, allow_blank=True, default="", help_text="What it is for.")
    app = TextField(
        max_length=255,
        required=False,
        allow_null=True,
        help_text="The only app that the key may act as. Left out: any, and the person themselves.",
    )
    scopes = serializers.ListField(
        child=serializers.ChoiceField(Scope.values),
        default=list(Scope.values),
        min_length=1,
        max_length=10,
        help_text="What the key may do: by default everything.",
    )
    expires_at = serializers.DateTimeField(
        required=False, allow_null=True, help_text="When it ends, in ISO 8601; by default never."
    )

    def validate_expires_at(self, moment: datetime | None) -> datetime | None:
        if moment is not None and moment <= timezone.now():
            raise serializers.ValidationError("This time is in the past.", code="past")
        return moment


class CreatedKeySerializer(KeySerializer):
    """A key as made, with its secret, which is shown now and never again."""

    class Meta(KeySerializer.Meta):
        fields = [*KeySerializer.Meta.fields, "api_key"]

    api_key = serializers.CharField(read_only=True, help_text="Shown this once: keep it.")
