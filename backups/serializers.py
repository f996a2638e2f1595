from __future__ import annotations

from accounts.subjects import SubjectSerializer
from openmemory.api.fields import EpochField, FlagField, IdField


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
