from datetime import UTC, datetime
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from core.api.fields import EpochField, FlagField, ObjectField, OneOfField, TextField
from core.api.serializers import RequestSerializer
from core.visible_text import validate_visible

from .models import ApiKey, Scope, User
from .models.user import MAX_CATEGORIES_NOT_KEPT, validate_time_zone, validate_user_id
from .subjects import SubjectSerializer

MAX_METADATA_BYTES = 16 * 1024


class UserSerializer(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = [
            "id",
            "user_id",
            "owner",
            "external_id",
            "name",
            "email",
            "time_zone",
            "infer",
            "categories_not_kept",
            "metadata",
            "is_operator",
            "created_at",
        ]

    owner = serializers.CharField(
        source="owner.user_id",
        allow_null=True,
        default=None,
        read_only=True,
        help_text="The `user_id` of the account whose end user this is, or null.",
    )
    external_id = serializers.SerializerMethodField(
        help_text="How that account names this end user, or null."
    )
    is_operator = serializers.BooleanField(
        read_only=True, help_text="Whether this user can access any user."
    )

    def get_external_id(self, user: User) -> str | None:
        return None if user.owner_id is None else user.external_id


_show_time = serializers.DateTimeField().to_representation


def show_user(user: User) -> dict[str, Any]:
    """Serialize a user as `UserSerializer` does, in a tenth of its time."""
    return {
        "id": str(user.pk),
        "user_id": user.user_id,
        "owner": user.owner and user.owner.user_id,
        "external_id": None if user.owner_id is None else user.external_id,
        "name": user.name,
        "email": user.email,
        "time_zone": user.time_zone,
        "infer": user.infer,
        "categories_not_kept": list(user.categories_not_kept),
        "metadata": user.metadata,
        "is_operator": user.is_operator,
        "created_at": _show_time(user.created_at),
    }


class TimeZoneField(TextField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            max_length=64,
            allow_blank=True,
            validators=[validate_time_zone],
            help_text="The time zone of this user, such as Europe/Berlin: what `yesterday` means "
            "in a search. UTC if empty.",
            **kwargs,
        )


class NewUserSerializer(RequestSerializer):
    user_id = TextField(
        max_length=255,
        validators=[validate_user_id],
        help_text="The name by which clients identify the user.",
    )
    name = TextField(
        max_length=255,
        allow_blank=True,
        default="",
        validators=[validate_visible],
        help_text="The display name of this user.",
    )
    email = serializers.EmailField(
        max_length=254, allow_blank=True, default="", help_text="The email address of this user."
    )
    time_zone = TimeZoneField(default="")
    metadata = ObjectField(
        max_bytes=MAX_METADATA_BYTES, default=dict, help_text="Arbitrary data, up to 16 KiB."
    )


class UserSettingsSerializer(RequestSerializer):
    time_zone = TimeZoneField(required=False)
    infer = FlagField(
        required=False,
        help_text="Whether what is stored is categorized, and turned into facts by a language "
        "model where there is one. If false, every text is stored as it was sent.",
    )
    categories_not_kept = serializers.ListField(
        child=TextField(max_length=100, validators=[validate_visible]),
        max_length=MAX_CATEGORIES_NOT_KEPT,
        required=False,
        help_text="The names of categories: a text of one of these is not stored.",
    )


class CreatedUserSerializer(UserSerializer):
    """A new user with a key, which is only shown in this response."""

    class Meta(UserSerializer.Meta):
        fields = [*UserSerializer.Meta.fields, "api_key"]

    api_key = serializers.CharField(
        read_only=True, help_text="Only shown in this response. Store it."
    )


class KeySerializer(serializers.ModelSerializer):
    """A key, without its secret."""

    class Meta:
        model = ApiKey
        fields = [
            "id", "name", "app", "prefix", "scopes", "created_at", "expires_at", "revoked_at",
            "last_used_at", "end_users", "pinned", "renewable_until",
        ]  # fmt: skip

    end_users = serializers.BooleanField(
        source="names_end_users",
        help_text="Whether `user_id` names an end user of the key's user.",
    )
    pinned = serializers.BooleanField(
        source="is_pinned", help_text="Whether the key reaches nobody but its own user."
    )
    app = serializers.SerializerMethodField(
        help_text="The only app that the key can act as, or null."
    )
    scopes = serializers.ListField(
        child=serializers.ChoiceField(Scope.values), help_text="What the key permits."
    )

    def get_app(self, key: ApiKey) -> str | None:
        return key.app_name or None


class NewKeySerializer(SubjectSerializer):
    name = TextField(
        max_length=255,
        allow_blank=True,
        default="",
        validators=[validate_visible],
        help_text="What the key is for.",
    )
    app = TextField(
        max_length=255,
        required=False,
        allow_null=True,
        help_text="The only app that the key can act as. By default the key is personal.",
    )
    scopes = serializers.ListField(
        child=OneOfField(Scope.values),
        default=list(Scope.values),
        min_length=1,
        max_length=10,
        help_text="What the key permits. By default everything, if the body names anything else.",
    )
    expires_at = EpochField(
        required=False,
        allow_null=True,
        is_end=True,
        zone=UTC,
        help_text="When the key expires, in ISO 8601, in UTC by default. By default never.",
    )

    end_users = FlagField(
        default=False,
        help_text="Whether `user_id` is to name end users of the key's user. Only a key that does "
        "so itself, and an operator, can create one.",
    )
    pinned = FlagField(
        required=False,
        allow_null=True,
        help_text="Whether the key is to reach nobody but its own user. By default as the key that "
        "creates it.",
    )

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        # A body that was lost on its way must not make a key that permits everything.
        if not self.initial_data:
            raise serializers.ValidationError(
                "The body is empty. Send at least a `name`, or what the key permits as `scopes`.",
                code="empty",
            )
        checked: dict[str, Any] = super().validate(values)
        return checked

    def validate_expires_at(self, expires_at: datetime | None) -> datetime | None:
        if expires_at is not None and expires_at <= timezone.now():
            raise serializers.ValidationError(
                "This time is in the past. Use a future time.", code="past"
            )
        return expires_at


class CreatedKeySerializer(KeySerializer):
    """A new key with its secret, which is only shown in this response."""

    class Meta(KeySerializer.Meta):
        fields = [*KeySerializer.Meta.fields, "api_key"]

    api_key = serializers.CharField(
        read_only=True, help_text="Only shown in this response. Store it."
    )
