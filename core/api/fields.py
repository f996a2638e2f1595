"""Strict serializer fields: they accept their own JSON type only and convert nothing."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from django.conf import settings
from django.utils import timezone
from rest_framework import serializers

from core.iso_time import EPOCH, MAX_SECONDS, InvalidTime, NoTime, is_day, parse_time
from core.visible_text import is_visible

from .whole_number import as_whole_number

# How far the clock of a client may be ahead.
CLOCK_TOLERANCE = timedelta(minutes=5)


class TextField(serializers.CharField):
    """A string, kept byte for byte. Numbers and booleans are rejected.

    So is a text that shows nothing, unless it may be blank.
    """

    default_error_messages = {
        "too_large": "Send at most {max_bytes} bytes of UTF-8.",
        "invisible": "Send a text with at least one character that can be seen.",
    }

    def __init__(self, *, max_bytes: int | None = None, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, **kwargs)
        self.max_bytes = max_bytes

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if isinstance(data, str) and not self.allow_blank and not is_visible(data):
            self.fail("invisible" if data.strip() else "blank")
        return super().run_validation(data)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        value = super().to_internal_value(data)
        if self.max_bytes is not None and len(value.encode()) > self.max_bytes:
            self.fail("too_large", max_bytes=self.max_bytes)
        return value


class FlagField(serializers.BooleanField):
    """`true` or `false`. Strings and numbers are rejected."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class IdField(serializers.UUIDField):
    """A UUID as a string. DRF's own field accepts numbers, too."""

    def to_internal_value(self, data: Any) -> uuid.UUID:
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class WholeNumberField(serializers.IntegerField):
    """A whole number, also as 10.0. Strings are rejected."""

    def to_internal_value(self, data: Any) -> int:
        if (number := as_whole_number(data)) is None:
            self.fail("invalid")
        return number


class NumberField(serializers.FloatField):
    """A number. Strings are rejected."""

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        return float(data)


class OneOfField(serializers.ChoiceField):
    """One of a few strings. The error names them all."""

    def __init__(self, choices: Sequence[str], **kwargs: Any) -> None:
        super().__init__(choices, **kwargs)
        self.error_messages["invalid_choice"] = name_choices(choices)


def name_choices(choices: Sequence[str]) -> str:
    *others, last = [f"`{choice}`" for choice in choices]
    return f"Send {', '.join(others)} or {last}." if others else f"Send {last}."


class OneOrMoreField(serializers.ListField):
    """A list. Any other value counts as a list of it alone."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        alone = data is not serializers.empty and data is not None and not isinstance(data, list)
        return super().run_validation([data] if alone else data)


# In OpenAPI, a time that a client sends.
TIME_SCHEMA = {
    "anyOf": [
        {"type": "integer", "minimum": 0, "maximum": MAX_SECONDS},
        {"type": "string", "format": "date-time"},
        {"type": "string", "format": "date"},
    ]
}


# The same of a moment, for which a day is too long.
PAST_SCHEMA = {
    "anyOf": [
        {"type": "number", "minimum": 0, "maximum": MAX_SECONDS},
        {"type": "string", "format": "date-time"},
    ]
}

FRACTION = re.compile(r"[0-9]{1,12}\.[0-9]{1,9}", re.ASCII)
FRACTION_OF_SECOND = re.compile(r":[0-9]{2}[.,][0-9]")

END_OF_MOMENTS = datetime(9999, 1, 1, tzinfo=UTC)


class EpochField(WholeNumberField):
    """A time, in whole seconds since 1970 in UTC, or in ISO 8601.

    A day is its first second, or with `is_end` its last one. With `past`, the time may be in the
    future by no more than CLOCK_TOLERANCE. A time without an offset is in `zone`, if given.
    """

    default_error_messages = {
        "invalid": "Send whole seconds since 1970, such as 1700000000, or a time in ISO 8601 with "
        "its offset, such as 2024-01-31T10:30:00Z.",
        "invalid_time": "{reason}",
        "no_time": "{reason}",
        "future": "This time is in the future.",
        "too_early": "Send a time since 1970.",
    }

    def __init__(
        self,
        *,
        past: bool = False,
        is_end: bool = False,
        zone: tzinfo | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(min_value=0, max_value=MAX_SECONDS, **kwargs)
        self.past, self.is_end, self.zone = past, is_end, zone

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if isinstance(data, str):
            time = self._parse(data)
        else:
            value = super().run_validation(data)
            if not isinstance(value, int):
                return value
            time = datetime.fromtimestamp(value, UTC)
        if self.past and time > timezone.now() + CLOCK_TOLERANCE:
            self.fail("future")
        return time

    def _parse(self, text: str) -> datetime:
        try:
            time = parse_time(text, is_end=self.is_end, zone=self.zone)
        except NoTime as error:
            self.fail("no_time", reason=str(error))
        except InvalidTime as error:
            self.fail("invalid_time", reason=str(error))
        if self.past and time < EPOCH:
            self.fail("too_early")
        return time

    # The field reads a number, but represents a datetime of the database.
    def to_representation(self, value: datetime) -> int:  # type: ignore[override]
        return int(value.timestamp())


# Where a day is none.
NO_MOMENT = "Send a time with its offset such as 2024-01-31T10:30:00Z, or seconds since 1970."


class MomentField(EpochField):
    """A moment in whole seconds since 1970, or in ISO 8601 with its offset, cut to its second.

    A day is rejected. The last moment is that of archives.
    """

    default_error_messages = {
        "day": "Send a time with its offset, such as 2024-01-31T10:30:00Z: a day begins at another "
        "moment in each time zone.",
        "no_time": NO_MOMENT,
        "out_of_range": "Send a time from the years 1970 to 9998. Null stands for no time.",
    }

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if isinstance(data, str) and is_day(data):
            self.fail("day")
        time = super().run_validation(data)
        if not isinstance(time, datetime):
            return time
        if not EPOCH <= time < END_OF_MOMENTS:
            self.fail("out_of_range")
        return time.replace(microsecond=0)


class PastField(EpochField):
    """A moment that has passed, in seconds since 1970, or in ISO 8601 with its offset.

    As answers have whole seconds, a time without a fraction is the last moment of its second.
    """

    default_error_messages = {
        "invalid": "Send seconds since 1970, such as 1700000000, or a time in ISO 8601 with its "
        "offset, such as 2024-01-31T10:30:00Z.",
        "day": "Send a time with its offset, such as 2024-01-31T10:30:00Z: a day begins at another "
        "moment in each time zone.",
        "no_time": NO_MOMENT,
        "future": "Send a time that has passed.",
    }

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if isinstance(data, str) and is_day(data):
            self.fail("day")
        if isinstance(data, str) and FRACTION.fullmatch(data.strip()):
            data = float(data)
        if isinstance(data, float):
            return self._require_past(self._of_float(data))
        time = super().run_validation(data)
        if not isinstance(time, datetime):
            return time
        is_exact = isinstance(data, str) and FRACTION_OF_SECOND.search(data)
        return self._require_past(time if is_exact else end_of_second(time))

    def _of_float(self, seconds: float) -> datetime:
        if not 0 <= seconds <= MAX_SECONDS:  # nor for what is no number
            self.fail("invalid")
        return datetime.fromtimestamp(seconds, UTC)

    def _require_past(self, time: datetime) -> datetime:
        if time < EPOCH:
            self.fail("too_early")
        now = timezone.now()
        if time.replace(microsecond=0) > now:
            self.fail("future")
        if time > now and time != end_of_second(time):
            self.fail("future")
        return min(time, now)


def end_of_second(time: datetime) -> datetime:
    return time.replace(microsecond=999_999)


class LegacyDateTimeField(serializers.DateTimeField):
    """A time in ISO 8601, in UTC with `Z`.

    With LEGACY_CLIENTS it has no offset, because the original server's page appends the `Z`.
    """

    def to_representation(self, value: datetime) -> str:
        text = str(super().to_representation(value))
        return text.removesuffix("Z") if settings.LEGACY_CLIENTS else text


class ObjectField(serializers.DictField):
    """A JSON object of at most `max_bytes` bytes when serialized without spaces."""

    default_error_messages = {
        "not_a_dict": "Send an object.",
        "too_large": "Send an object of at most {max_bytes} bytes.",
    }

    def __init__(self, *, max_bytes: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_bytes = max_bytes

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("not_a_dict", input_type=type(data).__name__)
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        if len(text.encode()) > self.max_bytes:
            self.fail("too_large", max_bytes=self.max_bytes)
        return data
