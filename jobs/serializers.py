from __future__ import annotations

from rest_framework import serializers

from .models import Job, State


class ProgressSerializer(serializers.Serializer):
    done = serializers.IntegerField(min_value=0, help_text="How many units of work are done.")
    total = serializers.IntegerField(
        min_value=0, allow_null=True, help_text="How many there are, or null while unknown."
    )


class JobErrorSerializer(serializers.Serializer):
    code = serializers.CharField(help_text="Machine-readable error code.")
    detail = serializers.CharField(help_text="Human-readable explanation.")


class JobSerializer(serializers.ModelSerializer):
    """A job, as its owner sees it."""

    class Meta:
        model = Job
        fields = [
            "id", "kind", "state", "progress", "result", "error", "created_at", "started_at",
            "finished_at",
        ]  # fmt: skip

    state = serializers.ChoiceField(
        State.choices, read_only=True, help_text="The current state of the job."
    )
    progress = ProgressSerializer(source="*", read_only=True, help_text="The progress of the job.")
    result = serializers.DictField(
        read_only=True, allow_null=True, help_text="The result of the job, once it has succeeded."
    )
    error = JobErrorSerializer(
        read_only=True,
        allow_null=True,
        help_text="Why the job failed or, while it waits for a retry, why the last attempt did.",
    )
