from __future__ import annotations

from rest_framework import serializers

from accounts.subjects import SubjectSerializer
from core.api.fields import EpochField, FlagField, IdField
from memories.metadata_filter.api_field import MetadataFilterField

from .jobs import ExportFormat


class ExportSerializer(SubjectSerializer):
    app_id = IdField(
        required=False, allow_null=True, help_text="Export only the memories of this app."
    )
    from_date = EpochField(
        required=False,
        allow_null=True,
        help_text="Export only memories created in this second or later.",
    )
    to_date = EpochField(
        is_end=True,
        required=False,
        allow_null=True,
        help_text="Export only memories created in this second or earlier.",
    )
    metadata = MetadataFilterField()
    include_vectors = FlagField(
        default=True,
        help_text="Include the vectors, so that an import does not embed the memories again. "
        "Markdown has none.",
    )
    format = serializers.ChoiceField(
        choices=[str(each) for each in ExportFormat],
        default=str(ExportFormat.ARCHIVE),
        help_text="`archive` is a complete copy. `markdown` is a folder with a file for each "
        "memory that is not deleted: its fields as front matter, then its text.",
    )


class ImportSerializer(SubjectSerializer):
    file = serializers.FileField(help_text="The archive: a ZIP.")
    mode = serializers.CharField(
        required=False,
        allow_blank=True,
        help_text="What happens to memories that exist already: `overwrite`, the default, or "
        "`skip`.",
    )
    dry_run = serializers.CharField(
        required=False,
        allow_blank=True,
        help_text="With `true`, change nothing and return the counts of what an import would do.",
    )


class ImportResultSerializer(serializers.Serializer):
    """The result of an import."""

    message = serializers.CharField()
    memories_created = serializers.IntegerField()
    memories_updated = serializers.IntegerField()
    memories_unchanged = serializers.IntegerField(help_text="Memories that existed already.")
    apps_created = serializers.IntegerField()
    apps_updated = serializers.IntegerField()
    apps_unchanged = serializers.IntegerField(help_text="Apps that existed already.")
    categories_created = serializers.IntegerField()
    categories_unchanged = serializers.IntegerField(
        help_text="Categories of the archive that existed already."
    )
    access_rules_created = serializers.IntegerField()
    status_changes_created = serializers.IntegerField()
    revisions_created = serializers.IntegerField()
    vectors_taken_over = serializers.IntegerField()
    job = serializers.CharField(
        allow_null=True,
        help_text="The job that embeds the memories without a vector. Until it is done, only "
        "keyword search finds them.",
    )
