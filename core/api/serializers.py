"""Serializers of requests: what they do not know, they refuse by name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from django.conf import settings
from django.http import QueryDict
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from .unknown_fields import unknown_faults


class RequestSerializer(serializers.Serializer):
    """A body, or an object inside one. An unknown field is refused, with the nearest known name.

    A field that were ignored might be a filter, and its absence would widen what the client reads.
    With LEGACY_CLIENTS, unknown fields are ignored.
    """

    # Taken and without effect. docs/clients.md lists them.
    ignored_fields: ClassVar[Collection[str]] = ()

    default_error_messages = {"invalid": "Send an object."}

    def to_internal_value(self, data: Any) -> Any:
        errors = {} if settings.LEGACY_CLIENTS else self._name_errors(data)
        try:
            values = super().to_internal_value(data)
        except ValidationError as error:
            raise ValidationError({**errors, **dict(error.detail)}) from error  # type: ignore[arg-type]
        if errors:
            raise ValidationError(errors)
        return values

    def _name_errors(self, data: Any) -> dict[str, list[ErrorDetail]]:
        if not isinstance(data, Mapping):
            return {}
        known = writable_names(self)
        ignored = {*self.ignored_fields, *(() if self.parent else IGNORED_IN_BODIES)}
        names = [name for name in data if name not in ignored]
        faults = unknown_faults(names, known, loc=(), elsewhere=self._elsewhere(known))
        errors = {str(fault.loc[0]): [ErrorDetail(fault.detail, fault.code)] for fault in faults}
        repeated = repeated_names(data) if isinstance(data, QueryDict) else []
        return errors | {name: [ErrorDetail(REPEATED_DETAIL, REPEATED_CODE)] for name in repeated}

    def _elsewhere(self, known: Collection[str]) -> dict[str, str]:
        """Map the names that are known one level up or down to their places."""
        places: dict[str, str] = {}
        for name in known:
            inner = self.fields[name]
            for inner_name in writable_names(getattr(inner, "child", inner)):
                places.setdefault(inner_name, f"inside `{name}`")
        within = self.parent if isinstance(self.parent, serializers.Serializer) else None
        if within is not None:
            places |= dict.fromkeys(writable_names(within), f"beside `{self.field_name}`")
        return {name: place for name, place in places.items() if name not in known}


# Any call may name the user whom it is about, also a call that is about none.
IGNORED_IN_BODIES = {"user_id"}
REPEATED_CODE, REPEATED_DETAIL = "repeated", "Send it once."


def writable_names(field: serializers.Field) -> list[str]:
    """Return the names that a serializer takes. Other fields have none."""
    if not isinstance(field, serializers.Serializer):
        return []
    return [name for name, inner in field.fields.items() if not inner.read_only]


def repeated_names(params: QueryDict) -> list[str]:
    return [name for name, values in params.lists() if len(values) > 1]
