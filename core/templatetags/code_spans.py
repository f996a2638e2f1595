from __future__ import annotations

import re

from django import template
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


@register.filter
def code_spans(text: str) -> SafeString:
    """Show what stands in backticks as code. The text is a help text, which is trusted."""
    return mark_safe(re.sub("`([^`]+)`", r"<code>\1</code>", str(text)))  # noqa: S308
