from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from django import template
from django.utils import dateformat, formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy, pgettext

from accounts.models import User
from memories.access.history import Change, HistoryEntry
from memories.lifecycle.undo import UNDONE

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
    text = dateformat.format(local, pgettext("date and time", "j M Y, H:i"))
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
def grouped(number: int) -> str:
    """A number with its thousands apart, as the language has them."""
    return formats.number_format(number, use_l10n=True, force_grouping=True)


@register.filter
def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)


STATE_NAMES = {
    "active": gettext_lazy("active"),
    "paused": gettext_lazy("paused"),
    "archived": gettext_lazy("archived"),
    "deleted": gettext_lazy("deleted"),
}
STATE_SENTENCES = {
    "active": gettext_lazy("Resumed"),
    "paused": gettext_lazy("Paused"),
    "archived": gettext_lazy("Archived"),
    "deleted": gettext_lazy("Deleted"),
}
CHANGED = {
    "text": gettext_lazy("text"),
    "metadata_": gettext_lazy("metadata"),
    "categories": gettext_lazy("categories"),
    "actor": gettext_lazy("who said it"),
    "conversation": gettext_lazy("conversation"),
    "created_at": gettext_lazy("when it was said"),
    "expires_at": gettext_lazy("when it is forgotten"),
    "valid_from": gettext_lazy("since when it is true"),
    "valid_until": gettext_lazy("until when it is true"),
    "immutable": gettext_lazy("lock"),
}


TIMES = ("created_at", "expires_at", "valid_from", "valid_until")


@register.filter
def state_name(state: str) -> str:
    return str(STATE_NAMES.get(state, state))


@register.simple_tag
def describe_entry(entry: HistoryEntry, person: User) -> str:
    """What one change of a memory was, in a few words."""
    if entry.change == Change.STORED:
        return gettext("Stored")
    if entry.change == Change.SUPERSEDES:
        return gettext("Took the place of an older memory")
    if entry.change == Change.SUPERSEDED:
        return gettext("Archived, as a later memory took its place")
    if entry.change == Change.REVISED:
        names = [str(CHANGED.get(name, name)) for name in entry.before]
        return gettext("Changed: %(what)s") % {"what": ", ".join(names)}
    sentence = str(STATE_SENTENCES.get(entry.state or "", entry.state))
    undone = gettext("undone")
    return f"{sentence} ({undone})" if entry.reason == UNDONE else sentence


@register.filter
def former_values(entry: HistoryEntry) -> list[tuple[str, str | SafeString]]:
    """What a change replaced beside the text: each name with the value before."""
    return [
        (str(CHANGED.get(name, name)), _describe_former(name, value))
        for name, value in entry.before.items()
        if name not in ("text", "state")
    ]


def _describe_former(name: str, value: Any) -> str | SafeString:
    if name == "immutable":
        return gettext("yes") if value else gettext("no")
    if not value:
        return gettext("nothing")
    if name in TIMES:
        return moment(datetime.fromtimestamp(value, UTC))
    return ", ".join(value) if isinstance(value, list) else as_json(value).strip('"')


@register.simple_tag
def describe_author(entry: HistoryEntry, person: User) -> str:
    """Who made a change, and through which app or key."""
    if entry.by is None:
        who = gettext("a language model or a rule")
    elif entry.by == person:
        who = gettext("you")
    else:
        who = entry.by.user_id
    through = entry.app.name if entry.app else (entry.key and (entry.key.name or str(entry.key)))
    return gettext("%(who)s, through %(what)s") % {"who": who, "what": through} if through else who


@register.simple_tag(takes_context=True)
def about(context: dict[str, Any]) -> SafeString | str:
    """Say in a form whose data it changes: in another tab, somebody else may be chosen by then."""
    subject = context.get("subject")
    if subject is None:
        return ""
    return format_html('<input type="hidden" name="about" value="{}">', subject.pk)


@register.filter
def unlocalized(number: float) -> str:
    """A number for a drawing, with a point in every language."""
    return str(number)


JOB_STATES = {
    "queued": gettext_lazy("waiting"),
    "running": gettext_lazy("under way"),
    "succeeded": gettext_lazy("done"),
    "failed": gettext_lazy("failed"),
    "cancelled": gettext_lazy("cancelled"),
}


@register.filter
def job_state(state: str) -> str:
    return str(JOB_STATES.get(state, state))
