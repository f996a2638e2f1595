from __future__ import annotations

from datetime import datetime

from django.conf import settings
from rest_framework import serializers


class PageTimeField(serializers.DateTimeField):
    """A time in ISO 8601, in UTC with `Z`.

    With LEGACY_CLIENTS it has no offset: the original's own page puts the `Z` there.
    """

    def to_representation(self, value: datetime) -> str:
        written = str(super().to_representation(value))
        return written.removesuffix("Z") if settings.LEGACY_CLIENTS else written
