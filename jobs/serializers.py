from __future__ import annotations

from rest_framework import serializers

from .models import Job, State


class ProgressSerializer(serializers.Serializer):
    done = serializers.IntegerField(min_value=0, help_text="How much is done.")
    total = serializers.IntegerField(
        min_value=0, allow_null=True, help_text="Of how much, or null as long as nobody knows."
    )


class JobErrorSerializer(serializers.Serializer):
    code = serializers.CharField(help_text="Why it failed, for programs.")
    detail = serializers.CharField(help_text="Why it failed, in a sentence.")


class JobSerializer(serializers.ModelSerializer):
    """A job, as its owner sees it."""

    class Meta:
        model = Job
        fields = [
            "id", "kind", "state", "progress", "result", "error", "created_at", "started_at",
            "finished_at",
        ]  # fmt: skip

    state = serializers.ChoiceField(State.choices, read_only=True, help_text="What became of it.")
    progress = ProgressSerializer(source="*", read_only=True, help_text="How far it is.")
    result = serializers.DictField(
        read_only=True, allow_null=True, help_text="What came of it, once it has succeeded."
    )
    error = JobErrorSerializer(
        read_only=True,
        allow_null=True,
        help_text="Why it failed, or, while another attempt is to come, why the last one did.",
    )
