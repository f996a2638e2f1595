"""Change the configuration: all of a change or nothing, one operator at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from django.db import transaction

from accounts.models import User
from core.errors import Malformed

from . import defaults, effective, provider_keys, wire_format
from .effective import EmbedderSettings, ModelSettings, Settings
from .models import Configuration, ConfigurationChange
from .providers import multilingual
from .providers.catalog import LOCAL_DIMENSIONS, LOCAL_MODELS, MULTILINGUAL_MODEL

# Section → field → value. None takes a choice back: the default holds again.
Choices = Mapping[str, Mapping[str, Any]]

# What else has to follow a change, in its transaction: given what was in force before it and is
# after it, and who made it. Apps that use the configuration add themselves.
followers: list[Callable[[Settings, Settings, User], None]] = []

EVERYTHING: Choices = {
    section: dict.fromkeys(wire_format.fields_of(section)) for section in wire_format.PLACES
}


@dataclass(frozen=True)
class Wrong:
    section: str
    field: str
    code: str
    detail: str


class ChangeRefused(Malformed):
    """The configuration would not work, so it stays as it is."""

    code = "validation_failed"

    def __init__(self, wrongs: list[Wrong]) -> None:
        super().__init__()
        self.wrongs = wrongs


def change(choices: Choices, *, by: User) -> Settings:
    """Make these choices and return what is then in force. Raises ChangeRefused."""
    with transaction.atomic():
        row = Configuration.objects.locked()
        before = effective.in_force(row)
        wrongs: list[Wrong] = []
        for section, fields in choices.items():
            chosen, found = _chosen(section, getattr(row, section), fields)
            setattr(row, section, chosen)
            wrongs += found
        if wrongs:
            raise ChangeRefused(wrongs)
        after = effective.in_force(row)
        row.renew_keys()
        row.save()
        steps = _steps(before, after)
        if steps:
            ConfigurationChange.objects.create(changed_by=by, operator=by.user_id, changes=steps)
        for follow in followers:
            follow(before, after, by)
    return after


def reset(*, by: User) -> Settings:
    """Take every choice back."""
    return change(EVERYTHING, by=by)


def _chosen(
    section: str, kept: Mapping[str, Any], fields: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Wrong]]:
    merged = {name: value for name, value in {**kept, **fields}.items() if value is not None}
    if section not in wire_format.CONFIG:
        return merged, []
    kind = cast(defaults.Kind, section)
    kept_key = provider_keys.from_stored(kept.get("api_key"))
    merged, wrongs = _with_key(kind, merged, kept_key, fields.get("api_key"))
    wrongs += model_wrongs(kind, _settings(kind, merged))
    default = defaults.of(kind, merged)
    # What equals the default is no choice: a client that sends all of what it was shown back
    # would otherwise fix the defaults of that day for good.
    return {name: value for name, value in merged.items() if value != default.get(name)}, wrongs


def _with_key(
    kind: defaults.Kind, merged: dict[str, Any], kept: provider_keys.Key | None, sent: str | None
) -> tuple[dict[str, Any], list[Wrong]]:
    """Put the key into the section: the one that was sent, else the one that is kept."""
    others = {name: value for name, value in merged.items() if name != "api_key"}
    if "api_key" not in merged:
        return others, []
    settings = _settings(kind, others)
    try:
        key = provider_keys.from_text(sent, kept=kept, origin=settings.origin) if sent else kept
    except provider_keys.UnknownMask:
        detail = "This is not the mask of the key that is kept. Send the key itself, or null."
        return others, [Wrong(kind, "api_key", "unknown_mask", detail)]
    if isinstance(key, provider_keys.SealedKey) and settings.origin not in (None, key.origin):
        # Who may not read a key could otherwise have it sent to a server of their own.
        detail = f"The kept key is not for {settings.origin}. Send the key itself, or null."
        return others, [Wrong(kind, "api_key", "key_is_for_another_server", detail)]
    return {**others, "api_key": key.stored() if key else None}, []


def _settings(kind: defaults.Kind, chosen: Mapping[str, Any]) -> ModelSettings:
    return effective.llm(chosen) if kind == "llm" else effective.embedder(chosen)


def model_wrongs(kind: defaults.Kind, settings: ModelSettings) -> list[Wrong]:
    """What is wrong with a section as a whole, though each of its fields may be right."""
    if isinstance(settings, EmbedderSettings) and settings.is_local:
        return _local_wrongs(settings)
    if settings.model is None and not settings.is_local:
        detail = f"Name a model of `{settings.provider}`."
        return [Wrong(kind, "model", "required", detail)]
    return []


def _local_wrongs(settings: EmbedderSettings) -> list[Wrong]:
    wrongs = []
    if settings.model not in LOCAL_MODELS:
        detail = f"The built-in embedder has {' and '.join(LOCAL_MODELS)} only."
        wrongs.append(Wrong("embedder", "model", "not_built_in", detail))
    elif settings.model == MULTILINGUAL_MODEL and (detail := multilingual.fault() or ""):
        wrongs.append(Wrong("embedder", "model", "not_installed", detail))
    if settings.dimensions != LOCAL_DIMENSIONS:
        detail = f"The built-in embedder has {LOCAL_DIMENSIONS} dimensions only."
        wrongs.append(Wrong("embedder", "dimensions", "not_built_in", detail))
    return wrongs


def _steps(before: Settings, after: Settings) -> list[dict[str, Any]]:
    old, new = _fields(before), _fields(after)
    return [
        {"field": ".".join(wire_format.place(*at)), "old": _shown(old[at]), "new": _shown(new[at])}
        for at in old
        if old[at] != new[at]
    ]


def _fields(settings: Settings) -> dict[tuple[str, str], Any]:
    """Every field, keys as they are: two can differ that are shown alike."""
    return {
        (section, field): getattr(
            getattr(settings, section) if section in wire_format.CONFIG else settings, field
        )
        for section in wire_format.PLACES
        for field in wire_format.fields_of(section)
    }


def _shown(value: Any) -> Any:
    return value.shown() if isinstance(value, provider_keys.Key) else value
