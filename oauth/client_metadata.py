"""What a client says of itself, when it registers (RFC 7591) or in its document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from core.visible_text import is_visible

from . import redirect_uris
from .models import AuthMethod
from .models.oauth_client import MAX_NAME, REGISTRABLE

MAX_REDIRECT_URIS = 20


class InvalidMetadata(Exception):
    """The description of a client cannot be accepted."""

    def __init__(self, description: str, *, code: str = "invalid_client_metadata") -> None:
        super().__init__(description)
        self.code = code
        self.description = description


@dataclass(frozen=True)
class ClientMetadata:
    name: str
    redirect_uris: list[str]
    auth_method: AuthMethod

    def as_dict(self) -> dict[str, Any]:
        return {
            "client_name": self.name,
            "redirect_uris": self.redirect_uris,
            "token_endpoint_auth_method": str(self.auth_method),
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
        }


def read_metadata(values: Mapping[str, Any], *, auth_method: AuthMethod) -> ClientMetadata:
    """Read what is known of it; other members have no effect. Raises InvalidMetadata."""
    uris = _read_redirect_uris(values.get("redirect_uris"))
    _require("grant_types", values, "authorization_code")
    _require("response_types", values, "code")
    return ClientMetadata(_read_name(values.get("client_name"), uris), uris, auth_method)


def read_auth_method(values: Mapping[str, Any], *, default: AuthMethod) -> AuthMethod:
    """Raises InvalidMetadata for one that cannot be registered."""
    named = values.get("token_endpoint_auth_method")
    if named is not None and named not in list(REGISTRABLE):
        raise InvalidMetadata(
            f"This token_endpoint_auth_method cannot be registered. Use {', '.join(REGISTRABLE)}."
        )
    return AuthMethod(named) if named else default


def _read_redirect_uris(uris: Any) -> list[str]:
    if not isinstance(uris, list) or not 0 < len(uris) <= MAX_REDIRECT_URIS:
        detail = f"redirect_uris is a list of 1 to {MAX_REDIRECT_URIS} URIs."
        raise InvalidMetadata(detail, code="invalid_redirect_uri")
    for uri in uris:
        if fault := redirect_uris.find_fault(uri):
            raise InvalidMetadata(fault, code="invalid_redirect_uri")
    return list(dict.fromkeys(uris))


def _read_name(name: Any, uris: list[str]) -> str:
    if name is None or name == "":
        parts = urlsplit(uris[0])
        return (parts.hostname or parts.scheme)[:MAX_NAME]
    if not isinstance(name, str) or len(name) > MAX_NAME or not _is_plain(name):
        raise InvalidMetadata(f"client_name has 1 to {MAX_NAME} characters that can be seen.")
    return name.strip()


def _is_plain(name: str) -> bool:
    """Whether a name looks on the page of consent like what it is: in one line, from left on."""
    return is_visible(name) and all(character.isprintable() for character in name)


def _require(field: str, values: Mapping[str, Any], needed: str) -> None:
    value = values.get(field)
    if value is not None and (not isinstance(value, list) or needed not in value):
        raise InvalidMetadata(f"{field} is a list with {needed}, or left out.")
