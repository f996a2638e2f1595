"""Bodies and answers about many memories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from accounts.models import User
from accounts.subjects import SubjectSerializer
from core.api.fields import FlagField
from memories.lifecycle.remember import Event
from memories.limits import MAX_BULK

from .memory import NewMemorySerializer


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
    if fields.get("user_id") not in (None, "", user.user_id):
        detail = "All memories are of one user: name them beside `memories`."
        raise ValidationError({"user_id": [ErrorDetail(detail, "another_user")]})
