"""What others say that pages show: the sentences of errors, so that they are translated as well.

A page shows a sentence that is not here in English.
"""

from __future__ import annotations

from django.utils.translation import gettext_noop as _

SENTENCES = (
    _("This link was used before, or has expired. Ask for a new one."),
    _("This session has ended already."),
    _("This connection has ended already."),
    _(
        "This server was reached by plain HTTP from another machine, where tokens would be "
        "overheard: it gives out none. Put a proxy with HTTPS in front and set "
        "OPENMEMORY_PUBLIC_URL, or use keys."
    ),
    _("This can no longer be undone."),
    _("This is nothing that can be done to memories."),
    _("Memory not found."),
    _("The object does not exist."),
    _("You do not have permission to do this."),
    _("A deleted memory cannot be edited."),
    _("This app is paused. It cannot read or write until it is resumed."),
    _("It was changed since you read it. Read it again, and repeat your change."),
    _("`valid_until` must be later than `valid_from`."),
    _("Send a text with at least one character that can be seen."),
    _("Send at most 32768 bytes of UTF-8."),
    _("This time is in the future."),
    _("A category name has 1 to 100 characters, without commas, line breaks or invisible ones."),
    _("Ensure this field has no more than 100 elements."),
)
