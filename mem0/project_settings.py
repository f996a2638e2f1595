"""The settings of a project, and what they ask of the language model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from core.errors import Malformed
from memories.lifecycle.guidance import Guidance
from memories.limits import MAX_CATEGORY_DESCRIPTION
from memories.taxonomy import InvalidCategoryName, normalize_category_name

from .material import NeedsModel, require_model
from .models import Project
from .tenant import Tenant

TEXTS = ("name", "description", "custom_instructions", "agent_custom_instructions")
FLAGS = ("multilingual", "decay")
DEFAULTS: dict[str, Any] = {
    "name": "openmemory",
    "description": "",
    "custom_instructions": None,
    "agent_custom_instructions": None,
    "custom_categories": None,
    "multilingual": True,
    "decay": False,
}
# Settings that Mem0 has and this server does not, shown as what they are here.
MISSING: dict[str, Any] = {"enable_graph": False, "retrieval_criteria": None}
# Others that its clients or its documentation name.
OTHERS = ("memory_depth", "usecase_setting", "expiration_date", "summary_max_tokens")
IN_ENGLISH = "Write what you write down in English, in whatever language the text is."

MAX_TEXT, MAX_LIST = 20_000, 100
# Each message of an add has a job, with all that it is asked.
MAX_GUIDANCE_BYTES = 8 * 1024 * 1024


def check_setting(name: str, value: Any) -> None:
    """Raises Malformed. Null is the default."""
    if value is None:
        return
    if name in TEXTS and not (isinstance(value, str) and len(value) <= MAX_TEXT):
        raise Malformed(f"`{name}` is a text of at most {MAX_TEXT:,} characters.", field=name)
    if name in FLAGS and not isinstance(value, bool):
        raise Malformed(f"`{name}` is true or false.", field=name)
    if name == "custom_categories":
        if not (isinstance(value, list) and len(value) <= MAX_LIST):
            raise Malformed(f"`{name}` is a list of at most {MAX_LIST} values.", field=name)
        read_categories(value)


def check_changes(body: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that a body changes. Raises Malformed for what would have no effect."""
    for name in (*MISSING, *OTHERS):
        if body.get(name):
            raise Malformed(f"This server has no `{name}`. Leave it out.", field=name)
    changes = {name: value for name, value in body.items() if name in DEFAULTS}
    for name, value in changes.items():
        check_setting(name, value)
    if changes.get("multilingual") is False:
        try:
            require_model()
        except NeedsModel:
            raise NeedsModel(
                "Without a language model, memories stay in their own language. Leave out "
                "`multilingual`, or configure one."
            ) from None
    if not changes and not any(name in body for name in MISSING):
        raise Malformed(f"Send one of {', '.join(DEFAULTS)}.")
    return changes


def read_settings(tenant: Tenant) -> dict[str, Any]:
    """The settings that were made. What an archive has brought is not trusted."""
    row = Project.objects.filter(account=tenant.account).first()
    settings = row.settings if row else {}
    return {name: value for name, value in settings.items() if is_setting(name, value)}


def has_decay(tenant: Tenant) -> bool:
    return Project.objects.filter(account=tenant.account, settings__decay=True).exists()


def is_setting(name: str, value: Any) -> bool:
    try:
        check_setting(name, value)
    except Malformed:
        return False
    return name in DEFAULTS


def read_guidance(tenant: Tenant, body: Mapping[str, Any], *, is_agents: bool = False) -> Guidance:
    """What a body asks of the language model, and else the project's settings.

    `is_agents`: an agent is named, whose instructions count as well. Raises Malformed.
    """
    for name in ("custom_instructions", "agent_custom_instructions", "includes", "excludes"):
        if not isinstance(body.get(name), str | None) or len(body.get(name) or "") > MAX_TEXT:
            raise Malformed(f"`{name}` is a text of at most {MAX_TEXT:,} characters.", field=name)
    check_setting("custom_categories", body.get("custom_categories"))
    settings = read_settings(tenant)

    def find(name: str) -> Any:
        return body.get(name) or settings.get(name)

    instructions = [
        find("custom_instructions"),
        find("agent_custom_instructions") if is_agents else None,
        f"Write down only: {body['includes']}" if body.get("includes") else None,
        f"Leave out: {body['excludes']}" if body.get("excludes") else None,
        IN_ENGLISH if settings.get("multilingual") is False else None,
    ]
    return Guidance(
        "\n".join(filter(None, instructions)), read_categories(find("custom_categories") or [])
    )


def check_guidance(guidance: Guidance, *, texts: int) -> None:
    """Raises Malformed for more texts than so much may be asked about."""
    size = len(json.dumps(guidance.parameters()).encode())
    if size * texts > MAX_GUIDANCE_BYTES:
        raise Malformed(
            "With so long instructions and categories, send at most "
            f"{MAX_GUIDANCE_BYTES // size:,} texts at once."
        )


def read_categories(values: Any) -> dict[str, str]:
    """Categories by name, with their descriptions: `[{name: description}]`. Raises Malformed."""
    categories: dict[str, str] = {}
    for value in values:
        pairs = {value: ""} if isinstance(value, str) else value
        if not isinstance(pairs, Mapping) or not pairs:
            raise Malformed(
                '`custom_categories` is a list such as [{"work": "Jobs and colleagues"}].',
                field="custom_categories",
            )
        for name, text in pairs.items():
            if not isinstance(text, str | None) or len(text or "") > MAX_CATEGORY_DESCRIPTION:
                raise Malformed(
                    "The description of a category is a text of at most "
                    f"{MAX_CATEGORY_DESCRIPTION:,} characters.",
                    field="custom_categories",
                )
            try:
                categories[normalize_category_name(name)] = text or ""
            except InvalidCategoryName as error:
                raise Malformed(f"`custom_categories`: {error.detail}") from None
    if len(categories) > MAX_LIST:
        raise Malformed(f"`custom_categories` has at most {MAX_LIST} categories.")
    return categories
