"""Change the configuration: atomically, one operator at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db import transaction

from accounts.models import User
from core.errors import Malformed

from .defaults import section_defaults
from .effective import section_settings, settings_from
from .key_destinations import check_destination
from .model_settings import Settings
from .models import Configuration, ConfigurationChange
from .provider_keys import (
    EncryptedKey,
    Key,
    KeyReference,
    UnknownMask,
    load_key,
    parse_key,
)
from .sections import (
    CONFIG_FIELDS,
    SECTION_FIELDS,
    ModelSection,
    Overrides,
    Section,
    SectionChange,
)
from .validation import FieldError, validate_model
from .wire_format import field_path

# Called in the transaction of a change, with the settings before and after it, and the operator.
# Apps that depend on the configuration add their own.
change_listeners: list[Callable[[Settings, Settings, User], None]] = []


class InvalidChange(Malformed):
    """The configuration would not work, so it was not changed."""

    code = "validation_failed"

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__()
        self.errors = errors


def update_configuration(changes: Iterable[SectionChange], *, by: User) -> Settings:
    """Make all of the changes and return the settings then in force. Raises InvalidChange."""
    with transaction.atomic():
        row = Configuration.objects.locked()
        before = settings_from(row)
        errors: list[FieldError] = []
        for change in changes:
            overrides, section_errors = _apply_change(change, getattr(row, change.section))
            setattr(row, change.section, overrides)
            errors += section_errors
        if errors:
            raise InvalidChange(errors)
        after = settings_from(row)
        row.reencrypt_keys()
        row.save()
        _record_change(before, after, by=by)
        for listener in change_listeners:
            listener(before, after, by)
    return after


def reset_configuration(*, by: User) -> Settings:
    """Remove all overrides."""
    return update_configuration(map(SectionChange.reset, SECTION_FIELDS), by=by)


def _apply_change(
    change: SectionChange, stored: Overrides
) -> tuple[dict[str, Any], list[FieldError]]:
    merged = {**stored, **change.fields}
    overrides = {field: value for field, value in merged.items() if value is not None}
    section = change.section
    if section == "openmemory":
        return overrides, []
    stored_key = load_key(stored.get("api_key"))
    overrides, errors = _set_key(section, overrides, stored_key, change.fields.get("api_key"))
    errors += validate_model(section, section_settings(section, overrides))
    defaults = section_defaults(section, overrides)
    # A value equal to the default is not stored: a client that sends back everything it was shown
    # would otherwise pin the defaults of that day.
    changed = {field: value for field, value in overrides.items() if value != defaults.get(field)}
    return changed, errors


def _set_key(
    section: ModelSection, overrides: Overrides, stored: Key | None, new_key: str | None
) -> tuple[dict[str, Any], list[FieldError]]:
    """Put the key into a section: the one that was sent, else the stored one."""
    others = {field: value for field, value in overrides.items() if field != "api_key"}
    if "api_key" not in overrides:
        return others, []
    origin = section_settings(section, others).origin
    try:
        key = parse_key(new_key, stored=stored, origin=origin) if new_key else stored
    except UnknownMask:
        detail = "This is not the mask of the stored key. Send the key itself, or null."
        return others, [FieldError(section, "api_key", "unknown_mask", detail)]
    problem = _check_server(key, origin)
    if problem:
        return others, [FieldError(section, "api_key", "key_is_for_another_server", problem)]
    return {**others, "api_key": key.to_json() if key else None}, []


def _check_server(key: Key | None, origin: str | None) -> str | None:
    """Return why a key must not be sent to a server, None if it may be, or if there is none.

    An operator who cannot read the key could otherwise have it sent to their own server.
    """
    if isinstance(key, EncryptedKey) and origin not in (None, key.origin):
        return f"The stored key is not for {origin}. Send the key itself, or null."
    return check_destination(key.name, origin) if isinstance(key, KeyReference) and origin else None


def _record_change(before: Settings, after: Settings, *, by: User) -> None:
    old, new = _field_values(before), _field_values(after)
    changes = [
        {
            "field": ".".join(field_path(section, field)),
            "old": _display(old[section, field]),
            "new": _display(new[section, field]),
        }
        for section, field in old
        if old[section, field] != new[section, field]
    ]
    if changes:
        ConfigurationChange.objects.create(changed_by=by, operator=by.user_id, changes=changes)


def _field_values(settings: Settings) -> dict[tuple[Section, str], Any]:
    """The value of every field. Keys are not masked: two different ones can have the same mask."""
    return {
        (section, field): getattr(
            getattr(settings, section) if CONFIG_FIELDS[section] else settings, field
        )
        for section, fields in SECTION_FIELDS.items()
        for field in fields
    }


def _display(value: Any) -> Any:
    return value.display() if isinstance(value, Key) else value
