"""Keys of one's own: under which a program stores a memory, and finds and replaces it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from unicodedata import category

from core.errors import Malformed
from core.visible_text import is_visible

from .limits import MAX_NAME

SEPARATOR = "."


class InvalidAddress(Malformed):
    """This is no namespace, or no key."""

    code = "invalid_address"


@dataclass(frozen=True)
class Address:
    """A key in a namespace, whose parts are separated by dots. One user has it once."""

    namespace: str
    own_key: str

    @classmethod
    def parse(cls, namespace: str, own_key: str) -> Address:
        """Raises InvalidAddress."""
        _require_text(own_key, field="key")
        if any(segment in (".", "..") for segment in own_key.split("/")):
            # Clients of HTTP resolve them, even where they are escaped.
            raise InvalidAddress("`.` and `..` cannot stand between slashes.", field="key")
        return cls(parse_namespace(namespace), own_key)

    def lock_key(self, user_number: int) -> int:
        text = f"{user_number} {self.namespace} {self.own_key}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def parse_namespace(text: str, *, field: str = "namespace") -> str:
    """Raises InvalidAddress, which is also about its beginning alone."""
    _require_text(text, field=field)
    if not all(text.split(SEPARATOR)):
        raise InvalidAddress(
            "Separate its parts with one dot each, as in `users.ann.notes`.", field=field
        )
    return text


def _require_text(text: str, *, field: str) -> None:
    if len(text) > MAX_NAME:
        raise InvalidAddress(f"Send at most {MAX_NAME} characters.", field=field)
    if not is_visible(text):
        raise InvalidAddress("Send at least one character that can be seen.", field=field)
    if any(category(character) in ("Cc", "Cs") for character in text):
        raise InvalidAddress("Send no control characters.", field=field)
