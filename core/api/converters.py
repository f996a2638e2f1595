from __future__ import annotations

import uuid

from django.urls import register_converter


class IdConverter:
    """An id in a path: `<id:memory_id>`.

    An invalid UUID becomes the nil UUID, which no object has. The same code then answers both an
    invalid and an unknown id, with the same response.
    """

    regex = "[^/]+"

    def to_python(self, value: str) -> uuid.UUID:
        try:
            return uuid.UUID(value)
        except ValueError:
            return uuid.UUID(int=0)

    def to_url(self, value: uuid.UUID | str) -> str:
        return str(value)


class KeyConverter:
    """The rest of a path, with its slashes, and with characters that are then refused."""

    regex = r"[\s\S]+"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(IdConverter, "id")
register_converter(KeyConverter, "key")
