from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django import template
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, pgettext

register = template.Library()

# In this order: each of these also names some that follow.
BROWSERS = ("Edg", "OPR", "Firefox", "Chrome", "Safari", "curl")
NAMES = {"Edg": "Edge", "OPR": "Opera"}
SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Mac OS X", "CrOS", "Linux")


@register.filter
def moment(value: datetime | None) -> SafeString | str:
    """A time to the minute in the person's zone; the exact one is in the element."""
    if value is None:
        return ""
    local = timezone.localtime(value)
    # Translators: the format of a date with a time, in Django's letters.
    text = formats.date_format(local, pgettext("date and time", "j M Y, H:i"))
    return format_html('<time datetime="{}">{}</time>', local.isoformat(), text)


@register.filter
def browser_name(user_agent: str) -> str:
    """Which browser it is, on which system, as far as it says so."""
    browser = next((name for name in BROWSERS if name in user_agent), "")
    system = next((name for name in SYSTEMS if name in user_agent), "")
    if not browser:
        return re.split(r"[/ ]", user_agent)[0][:40] or gettext("Unknown browser")
    name = NAMES.get(browser, browser)
    return (
        gettext("%(browser)s on %(system)s") % {"browser": name, "system": system}
        if system
        else name
    )


@register.filter
def moment_text(value: datetime | None) -> str:
    """The same as a text, for an attribute."""
    local = timezone.localtime(value) if value else None
    return formats.date_format(local, pgettext("date and time", "j M Y, H:i")) if local else ""


@register.filter
def percent(value: float | None) -> str:
    return "" if value is None else f"{round(value * 100)} %"


@register.filter
def item(mapping: dict[Any, Any], key: Any) -> Any:
    return mapping.get(key)
