from __future__ import annotations

from typing import Any

from rest_framework.exceptions import ErrorDetail, ValidationError

from core.api.fields import TextField
from memories.own_keys import InvalidAddress, parse_namespace


class NamespaceField(TextField):
    """A namespace of keys, or its beginning."""

    def to_internal_value(self, data: Any) -> str:
        try:
            return parse_namespace(super().to_internal_value(data))
        except InvalidAddress as error:
            raise ValidationError([ErrorDetail(error.detail, error.code)]) from error
