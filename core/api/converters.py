from __future__ import annotations

import uuid

from django.urls import register_converter


class IdConverter:
    """An id in a path: `<id:memory_id>`.

    What is no UUID becomes the nil UUID, which is the id of nothing. So it is refused by the
    same code, with the same answer, as an id that is not there.
    """

    regex = "[^/]+"

    def to_python(self, value: str) -> uuid.UUID:
        try:
            return uuid.UUID(value)
        except ValueError:
            return uuid.UUID(int=0)

    def to_url(self, value: uuid.UUID | str) -> str:
        return str(value)


register_converter(IdConverter, "id")
