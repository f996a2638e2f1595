"""Bodies and answers about many memories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from accounts.models import User
from accounts.subjects import SubjectSerializer
from core.api.fields import FlagField, IdField, OneOrMoreField
from memories.lifecycle.remember import Event
from memories.limits import MAX_BULK, MAX_IDS

from .edits import PatchSerializer
from .memory import NewMemorySerializer
from .selection import NonEmptyFiltersSerializer


class NewMemoriesField(serializers.ListField):
    """Bodies of `POST /memories`. Each is validated by itself, and may be a ValidationError."""

    def to_internal_value(self, data: Any) -> list[Any]:
        # Counted before they are validated, which takes time for each.
        if isinstance(data, list):
            self.run_validators(data)
        return super().to_internal_value(data)

    def run_child_validation(self, data: list[Any]) -> list[Any]:
        return [self._validate(item) for item in data]

    def _validate(self, item: Any) -> Any:
        try:
            return self.child.run_validation(item)
        except ValidationError as error:
            return error


class NewMemoriesSerializer(SubjectSerializer):
    memories = NewMemoriesField(
        child=NewMemorySerializer(),
        min_length=1,
        max_length=MAX_BULK,
        help_text="The memories, 1 to 1,000, as for `POST /memories`. All are of the user whom "
        "`user_id` beside them names.",
    )
    atomic = FlagField(
        default=True,
        help_text="Store all or none. With `false`, each that can be stored is.",
    )


class ChangesSerializer(PatchSerializer):
    """The fields of `PATCH /memories/{id}` that many memories may have in common."""

    default_error_messages = {"nothing": "Send at least one change."}

    text = None  # type: ignore[assignment]
    user_id = None  # type: ignore[assignment]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            self.fail("nothing")
        return attrs


class BulkPatchSerializer(SubjectSerializer):
    default_error_messages = {"selector": "Send either `ids` or `filters`."}

    ids = OneOrMoreField(
        child=IdField(),
        required=False,
        min_length=1,
        max_length=MAX_IDS,
        help_text="The ids of 1 to 10,000 memories.",
    )
    filters = NonEmptyFiltersSerializer(
        required=False,
        help_text="Instead of ids: all active and paused memories that match, any number; at least "
        "one filter.",
    )
    changes = ChangesSerializer(help_text="What to change of each. Other fields stay.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("ids" in attrs) == ("filters" in attrs):
            detail = ErrorDetail(str(self.error_messages["selector"]), "selector")
            raise ValidationError({"ids": [detail]})
        return attrs


class BulkPatchedSerializer(serializers.Serializer):
    matched = serializers.IntegerField(help_text="How many memories were selected.")
    changed = serializers.IntegerField(
        help_text="How many of them were changed. The others were as they should be."
    )


class BulkResultSerializer(serializers.Serializer):
    """What became of one memory: its id and event, or a problem with its `code` and `detail`."""

    index = serializers.IntegerField(help_text="The place in `memories`, from 0.")
    status = serializers.IntegerField(help_text="What `POST /memories` would have answered.")
    id = serializers.UUIDField(required=False, help_text="The id of the memory.")
    event = serializers.ChoiceField(
        [str(Event.ADD), str(Event.DUPLICATE)],
        required=False,
        help_text="`DUPLICATE` if an active memory of the app has this text: this is its id.",
    )
    job = serializers.CharField(
        required=False,
        allow_null=True,
        help_text="The path of the job that extracts facts from it, if any.",
    )
    code = serializers.CharField(required=False, help_text="The type of the error.")
    detail = serializers.CharField(required=False, help_text="The error in a sentence.")
    errors = serializers.ListField(  # type: ignore[assignment]
        child=serializers.DictField(), required=False, help_text="The invalid values."
    )


class BulkResultsSerializer(serializers.Serializer):
    results = BulkResultSerializer(many=True, help_text="One for each memory, in their order.")


def require_own(fields: Mapping[str, Any], *, user: User) -> None:
    """Raises ValidationError if one of many memories names another user than all of them."""
    if fields.get("user_id") not in (None, "", user.user_id, user.named_id):
        detail = "All memories are of one user: name them beside `memories`."
        raise ValidationError({"user_id": [ErrorDetail(detail, "another_user")]})
