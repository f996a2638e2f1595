"""The pages that the head of every page links to, in this order."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class MenuItem:
    """`section` is what the views of these pages call themselves."""

    section: str
    label: str | Promise
    url_name: str


MENU = (
    MenuItem("memories", _("Memories"), "pages:memories"),
    MenuItem("apps", _("Apps"), "pages:apps"),
    MenuItem("reads", _("What was read"), "pages:reads"),
    MenuItem("log", _("Log"), "pages:log"),
    MenuItem("connect", _("Connect"), "pages:connect"),
    MenuItem("keys", _("Keys"), "pages:keys"),
    MenuItem("data", _("My data"), "pages:data"),
    MenuItem("settings", _("Settings"), "pages:settings"),
)
