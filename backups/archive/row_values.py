"""Checks of the values of rows, with the limits of the API."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from core.api.fields import END_OF_MOMENTS
from core.visible_text import is_visible
from memories.limits import MAX_METADATA_BYTES

from .columns import Json

Object = dict[str, Any]

MAX_SETTINGS_BYTES = 1_000_000

_ZEROS = re.compile("0{16,}")


def check_visible(name: str, text: str) -> str:
    if not is_visible(text):
        raise ValueError(f"`{name}` has no character that can be seen")
    return text


def check_size(name: str, text: str, max_bytes: int) -> str:
    if len(text) * 4 > max_bytes and len(text.encode()) > max_bytes:
        raise ValueError(f"`{name}` has more than {max_bytes} bytes")
    return text


def dump_metadata(metadata: Object | None) -> Json:
    """Write metadata as JSON. Raises ValueError when it has more bytes than the API accepts.

    PostgreSQL writes 1e308 with all its zeros, which were not counted when it was sent.
    """
    text = json.dumps(metadata or {}, ensure_ascii=False, separators=(",", ":"))
    if len(text) * 4 > MAX_METADATA_BYTES:
        check_size("metadata", _ZEROS.sub("", text), MAX_METADATA_BYTES)
    return Json(text)


def dump_settings(name: str, settings: Object) -> Json:
    """Write settings as JSON. Raises ValueError for more than programs can have sent."""
    text = json.dumps(settings, ensure_ascii=False, separators=(",", ":"))
    return Json(check_size(name, text, MAX_SETTINGS_BYTES))


Seconds = Annotated[int, Meta(ge=0, lt=int(END_OF_MOMENTS.timestamp()))]


class FormerTerms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Ours: the terms that an edit changed, as they were before."""

    expires_at: Seconds | msgspec.UnsetType | None = msgspec.UNSET
    valid_from: Seconds | msgspec.UnsetType | None = msgspec.UNSET
    valid_until: Seconds | msgspec.UnsetType | None = msgspec.UNSET
    immutable: bool | msgspec.UnsetType = msgspec.UNSET
