from __future__ import annotations

from rest_framework import serializers

from memories.change_log.difference import Difference

from .memory import MemorySerializer


class ChangedMemorySerializer(serializers.Serializer):
    """A memory that is another one at the end of a time than at its beginning."""

    id = serializers.UUIDField(help_text="The memory.")
    change = serializers.ChoiceField(
        [str(difference) for difference in Difference],
        help_text="`stored` since; `put_aside`: archived or deleted; `brought_back` from there; "
        "else `revised`.",
    )
    at = serializers.DateTimeField(help_text="When it was last changed within this time, in UTC.")
    before = MemorySerializer(
        allow_null=True, help_text="As it was at the beginning; null if it was not there."
    )
    after = MemorySerializer(help_text="As it was at the end.")
