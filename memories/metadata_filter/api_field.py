from __future__ import annotations

from typing import Any

from rest_framework.exceptions import ErrorDetail, ValidationError

from core.api.exception_handler import BadBody
from core.api.fields import ObjectField
from core.api.parsers import UNIQUE_DECODER, parse_json
from memories.limits import MAX_METADATA_BYTES

from . import InvalidFilter, MetadataFilter

METADATA_FILTER_HELP = (
    "Memories whose metadata matches: `{key: value}`, or `{key: {operator: value}}` with the "
    "operators `eq`, `ne`, `in`, `nin`, `gt`, `gte`, `lt`, `lte`, `contains` and `exists`. Keys "
    "with dots reach inside. `and` and `or` take a list of such objects, `not` takes one."
)


class MetadataFilterField(ObjectField):
    """A filter on metadata. Its faults have their own places in it."""

    def __init__(self, **kwargs: Any) -> None:
        options = {"required": False, "allow_null": True, "help_text": METADATA_FILTER_HELP}
        super().__init__(max_bytes=MAX_METADATA_BYTES, **{**options, **kwargs})

    def to_internal_value(self, data: Any) -> MetadataFilter:  # type: ignore[override]
        try:
            return MetadataFilter.parse(super().to_internal_value(data))
        except InvalidFilter as error:
            detail: Any = ErrorDetail(error.detail, error.code)
            for part in reversed(error.loc):
                detail = {part: detail}
            raise ValidationError(detail) from error


def parse_metadata_filter(text: str, *, name: str) -> MetadataFilter:
    """Parse the JSON of a query parameter of this name. Raises ValidationError."""
    try:
        value = parse_json(text.encode(), what="The value", decoder=UNIQUE_DECODER)
        metadata_filter: MetadataFilter = MetadataFilterField(allow_null=False).run_validation(
            value
        )
    except BadBody as error:
        raise ValidationError({name: ErrorDetail(error.fault.detail, error.fault.code)}) from error
    except ValidationError as error:
        raise ValidationError({name: error.detail}) from error
    return metadata_filter
