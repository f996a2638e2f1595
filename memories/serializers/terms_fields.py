"""The terms of a memory in the bodies that store and edit it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts.subjects import SubjectSerializer
from core.api.fields import FlagField, MomentField
from memories.models.terms import TERMS

FORMAT = "In seconds since 1970, or in ISO 8601 with its offset; null: never."


class TermsSerializer(SubjectSerializer):
    expires_at = MomentField(
        required=False,
        allow_null=True,
        help_text=f"From when on it is shown nowhere; later it is purged. {FORMAT}",
    )
    valid_from = MomentField(
        required=False,
        allow_null=True,
        help_text=f"Since when what it says is true. {FORMAT.replace('never', 'always')}",
    )
    valid_until = MomentField(
        required=False,
        allow_null=True,
        help_text="When what it says ends to be true, later than `valid_from`. Searches rank it "
        f"behind what is true at the time. {FORMAT}",
    )
    immutable = FlagField(
        required=False,
        help_text="Whether it can be neither edited nor superseded. Only the user can undo this, "
        "with a key that is bound to no app.",
    )


def read_terms(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The terms that validated fields name."""
    return {name: fields[name] for name in TERMS if name in fields}
