"""A memory in the list, as HTML. In Python: a template takes ten times as long for each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext

from memories.models import Memory, State
from pages.templatetags.page_tags import moment, state_name

# Characters of a memory's text in the list, and in the names of its buttons.
MAX_TEXT, MAX_NAME = 400, 60

ROW = """<li class="memory {state}">
<input type="checkbox" name="ids" value="{pk}" id="m{number}" aria-label="{name}">
<div class="memory-body">
<a class="memory-text" href="{address}" dir="auto">{text}</a>
{why}
<p class="meta">{time} {marks}</p>
</div>
<div class="memory-actions">
<button class="small quiet" name="do" value="{do} {pk}" aria-label="{say}: {name}">{say}</button>
<button class="small quiet" name="do" value="delete {pk}" aria-label="{delete}: {name}">{delete}</button>
</div>
</li>
"""  # noqa: E501


@dataclass(frozen=True)
class Row:
    memory: Memory
    reasons: Sequence[str] = ()


def render_rows(rows: Iterable[Row], *, question: str = "") -> SafeString:
    """Render rows. Each leads to the page of its memory, with the question that found it."""
    path = reverse("pages:memories")
    suffix = f"?{urlencode({'question': question})}" if question else ""
    words = {"pause": gettext("Pause"), "resume": gettext("Resume"), "delete": gettext("Delete")}
    rendered = (
        (_render(row.memory, row.reasons, number=number, path=path, suffix=suffix, words=words),)
        for number, row in enumerate(rows, 1)
    )
    return format_html_join("", "{}", rendered)


def _render(
    memory: Memory,
    reasons: Sequence[str],
    *,
    number: int,
    path: str,
    suffix: str,
    words: dict[str, str],
) -> SafeString:
    do = "pause" if memory.state == State.ACTIVE else "resume"
    return format_html(
        ROW,
        state=memory.state,
        pk=memory.pk,
        number=number,
        name=_shorten(memory.content, MAX_NAME),
        address=f"{path}/{memory.pk}{suffix}",
        text=_shorten(memory.content, MAX_TEXT),
        why=_render_reasons(reasons),
        time=moment(memory.created_at),
        marks=format_html_join(" ", '<span class="{}">{}</span>', _marks(memory)),
        do=do,
        say=words[do],
        delete=words["delete"],
    )


def _render_reasons(reasons: Sequence[str]) -> SafeString | str:
    if not reasons:
        return ""
    spans = format_html_join("", "<span>{}</span>", ((reason,) for reason in reasons))
    return format_html('<p class="why">{}</p>', spans)


def _marks(memory: Memory) -> list[tuple[str, str]]:
    """What is said of it beside its time, each with the class of its element."""
    marks = [("", memory.app.name)]
    if memory.actor:
        marks.append(("", memory.actor))
    marks += [("badge", name) for name in memory.category_names]
    if memory.metadata.get("pinned") is True:
        marks.append(("badge good", gettext("pinned")))
    if memory.immutable:
        marks.append(("badge", gettext("locked")))
    if memory.state != State.ACTIVE:
        marks.append(("badge warn", state_name(memory.state)))
    return marks


def _shorten(text: str, length: int) -> str:
    return text if len(text) <= length else Truncator(text).chars(length)
