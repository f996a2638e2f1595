from __future__ import annotations

from rest_framework import serializers

from accounts.subjects import SubjectSerializer
from core.api.fields import FlagField


class UndoSerializer(SubjectSerializer):
    run = FlagField(
        default=False,
        help_text="Take back all of the run of inference, or of the import, that the line is part "
        "of.",
    )


class UndoneSerializer(serializers.Serializer):
    message = serializers.CharField(help_text="What was done, in a sentence.")
    count = serializers.IntegerField(help_text="How many memories were changed.")
