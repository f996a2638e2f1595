from __future__ import annotations

from rest_framework import serializers

from accounts.subjects import SubjectSerializer
from core.api.fields import EpochField, FlagField, IdField


class ExportSerializer(SubjectSerializer):
    app_id = IdField(
        required=False, allow_null=True, help_text="Only what this app put down; else all."
    )
    from_date = EpochField(
        required=False, allow_null=True, help_text="Only what was created in this second or later."
    )
    to_date = EpochField(
        required=False, allow_null=True, help_text="Only what was created in this second or before."
    )
    include_vectors = FlagField(
        default=True,
        help_text="With the vectors, which an import need then not make anew.",
    )


class ImportSerializer(SubjectSerializer):
    file = serializers.FileField(help_text="The archive: a ZIP.")
    mode = serializers.CharField(
        required=False,
        allow_blank=True,
        help_text="What becomes of memories that are there: `overwrite`, the default, or `skip`.",
    )
    dry_run = serializers.CharField(
        required=False,
        allow_blank=True,
        help_text="`true` changes nothing, and answers what an import would do.",
    )


class ImportedSerializer(serializers.Serializer):
    """What an import has made, and changed."""

    message = serializers.CharField()
    memories_created = serializers.IntegerField()
    memories_updated = serializers.IntegerField()
    memories_unchanged = serializers.IntegerField(help_text="Those that were there already.")
    apps_created = serializers.IntegerField()
    apps_updated = serializers.IntegerField()
    apps_unchanged = serializers.IntegerField(help_text="Those that were there already.")
    categories_created = serializers.IntegerField()
    categories_unchanged = serializers.IntegerField(
        help_text="Those of the archive that were there already."
    )
    access_rules_created = serializers.IntegerField()
    status_changes_created = serializers.IntegerField()
    revisions_created = serializers.IntegerField()
    vectors_taken_over = serializers.IntegerField()
    job = serializers.CharField(
        allow_null=True,
        help_text="The job that embeds the memories whose vectors were not taken over. Until it "
        "is done these are found by their words.",
    )
