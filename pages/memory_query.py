"""What a person looks for among their memories: the words, the filters and the order of a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import User
from apps_registry.models import App
from core.api.pagination import MAX_PAGE, Page, PageRequest, fetch_page
from memories.access.readable import NewestFirst
from memories.access.reader import Reader
from memories.filters import sort_memories
from memories.limits import MAX_CATEGORY_NAME, MAX_NAME
from memories.models import State, UserCategory
from memories.models.memory import MemoryQuerySet
from memories.models.state import LIVE
from memories.search import Cutoffs, Filters, SearchResult, find_hits
from pages.plain_select import PlainSelect

SIZES = (25, 50, 100)
MAX_QUERY = 2000
# The hits of a search, which has no pages: the best are what is looked for.
MAX_HITS = 25
MAX_OPTIONS = 500

STATES: Mapping[str, Sequence[State]] = {
    "": LIVE,
    "active": [State.ACTIVE],
    "paused": [State.PAUSED],
    "archived": [State.ARCHIVED],
    "all": [*LIVE, State.ARCHIVED],
}
STATE_CHOICES = [
    ("", _("In use")),
    ("active", _("Active")),
    ("paused", _("Paused")),
    ("archived", _("Archived")),
    ("all", _("In any state")),
]
# Column and direction of `sort_memories`.
SORTS: Mapping[str, tuple[str | None, str]] = {
    "": (None, "desc"),
    "newest": (None, "desc"),
    "oldest": (None, "asc"),
    "text": ("memory", "asc"),
    "app": ("app_name", "asc"),
    "category": ("categories", "asc"),
}
OTHER_SORTS = [
    ("oldest", _("Oldest first")),
    ("text", _("By text")),
    ("app", _("By app")),
    ("category", _("By category")),
]
LIST_SORTS = [("", _("Newest first")), *OTHER_SORTS]
# What a search finds: the best of it is chosen by how well it fits, and shown in any order.
SEARCH_SORTS = [("", _("Best match")), ("newest", _("Newest first")), *OTHER_SORTS]


def _date_input() -> forms.DateInput:
    return forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "max": "9999-12-31"})


class MemoryQueryForm(forms.Form):
    q = forms.CharField(label=_("Search"), required=False, max_length=MAX_QUERY)
    exact = forms.BooleanField(label=_("Exactly this text"), required=False)
    state = forms.ChoiceField(
        label=pgettext_lazy("of a memory", "State"),
        required=False,
        choices=STATE_CHOICES,
        widget=PlainSelect,
    )
    app = forms.ChoiceField(label=_("App"), required=False, widget=PlainSelect)
    category = forms.CharField(
        label=_("Category"), required=False, max_length=MAX_CATEGORY_NAME, widget=PlainSelect
    )
    sort = forms.ChoiceField(
        label=_("Order"), required=False, choices=SEARCH_SORTS, widget=PlainSelect
    )
    actor = forms.CharField(label=_("Said by"), required=False, max_length=MAX_NAME, strip=False)
    conversation = forms.CharField(
        label=_("Conversation"), required=False, max_length=MAX_NAME, strip=False
    )
    from_date = forms.DateField(label=_("From"), required=False, widget=_date_input())
    to_date = forms.DateField(label=_("To"), required=False, widget=_date_input())
    size = forms.TypedChoiceField(
        label=_("On a page"),
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", SIZES[0]), *((size, size) for size in SIZES[1:])],
        widget=PlainSelect,
    )
    page = forms.IntegerField(required=False, min_value=1, max_value=MAX_PAGE)

    def __init__(self, data: Mapping[str, Any] | QueryDict, *, user: User) -> None:
        super().__init__(data)
        self.label_suffix = ""
        apps = App.objects.owned_by(user).order_by("name").values_list("pk", "name")[:MAX_OPTIONS]
        app_field = self.fields["app"]
        assert isinstance(app_field, forms.ChoiceField)  # noqa: S101 - see above
        app_field.choices = [("", _("All apps")), *((str(pk), name) for pk, name in apps)]
        categories = UserCategory.objects.filter(user=user).order_by("category__name")
        names = list(categories.values_list("category__name", flat=True)[:MAX_OPTIONS])
        chosen = str(self.data.get("category") or "")[:MAX_CATEGORY_NAME]
        options = names if not chosen or chosen in names else [chosen, *names]
        self.fields["sort"].widget.choices = SEARCH_SORTS if self._is_search else LIST_SORTS
        widget = self.fields["category"].widget
        widget.choices = [("", _("All categories")), *((name, name) for name in options)]

    @property
    def _is_search(self) -> bool:
        given = {name: str(self.data.get(name) or "") for name in ("q", "exact", "state")}
        return is_search(given["q"].strip(), is_exact=bool(given["exact"]), state=given["state"])

    @property
    def chosen_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in ("state", "app", "category", "sort")]

    @property
    def more_fields(self) -> list[forms.BoundField]:
        """Those that the page keeps folded away."""
        names = ("exact", "from_date", "to_date", "actor", "conversation", "size")
        return [self[name] for name in names]

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        # A filter that is not known would show more than was asked for, and change it.
        for name in sorted(set(self.data) - set(self.fields)):
            self.add_error(None, _("“%(name)s” is no filter here.") % {"name": name[:MAX_NAME]})
        first, last = values.get("from_date"), values.get("to_date")
        if first and last and last < first:
            self.add_error("to_date", _("This day is before the first one."))
        return values

    def address(self) -> str:
        """What is looked for, as the query of an address. It leads back to the same list."""
        given = {name: self.data.get(name) or "" for name in self.fields}
        return urlencode({name: value for name, value in given.items() if value})

    def query(self) -> MemoryQuery:
        """The query of a valid form."""
        values = self.cleaned_data
        return MemoryQuery(
            text=values["q"],
            is_exact=values["exact"],
            state=values["state"],
            app=values["app"],
            category=values["category"],
            actor=values["actor"],
            conversation=values["conversation"],
            from_date=values["from_date"],
            to_date=values["to_date"],
            sort=values["sort"],
            page=PageRequest(values["page"] or 1, values["size"] or SIZES[0]),
        )


@dataclass(frozen=True)
class MemoryQuery:
    text: str
    is_exact: bool
    state: str
    app: str
    category: str
    actor: str
    conversation: str
    from_date: date | None
    to_date: date | None
    sort: str
    page: PageRequest

    @property
    def is_search(self) -> bool:
        return is_search(self.text, is_exact=self.is_exact, state=self.state)

    @property
    def filter_count(self) -> int:
        """How many filters are set that the page keeps folded away."""
        hidden = (self.actor, self.conversation, self.from_date, self.to_date)
        return sum(map(bool, hidden)) + (self.is_exact and bool(self.text))

    @property
    def is_filtered(self) -> bool:
        return bool(self.text or self.state or self.app or self.category or self.filter_count)

    def find(self, reader: Reader) -> SearchResult:
        """The best hits of a search, the best first, or in the order that was chosen."""
        result = find_hits(
            self.text,
            reader=reader,
            cutoffs=Cutoffs(top_k=MAX_HITS),
            filters=self._filters(),
            explain=True,
        )
        if not self.sort or not result.hits:
            return result
        hits = {hit.memory.pk: hit for hit in result.hits}
        column, direction = SORTS[self.sort]
        found = sort_memories(
            reader.memories().filter(pk__in=hits), column=column, direction=direction
        )
        ids = list(found.values_list("pk", flat=True))
        return replace(result, hits=[hits[pk] for pk in ids])

    def memories(self, reader: Reader) -> MemoryQuerySet:
        """All memories that match, whatever their number. Not for a search."""
        memories = reader.memories().filter(state__in=STATES[self.state])
        memories = self._filters().apply(memories)
        return memories.containing(self.text) if self.text else memories

    def fetch_page(self, reader: Reader) -> Page:
        if not self.is_filtered and SORTS[self.sort] == (None, "desc"):
            return fetch_page(NewestFirst(reader, tuple(STATES[""])), self.page)
        column, direction = SORTS[self.sort]
        memories = sort_memories(self.memories(reader), column=column, direction=direction)
        return fetch_page(memories.with_relations(), self.page)

    def _filters(self) -> Filters:
        return Filters(
            app_ids=[self.app] if self.app else (),  # type: ignore[list-item]
            categories=[self.category] if self.category else (),
            actors=[self.actor] if self.actor else (),
            conversations=[self.conversation] if self.conversation else (),
            from_date=_start_of(self.from_date) if self.from_date else None,
            to_date=_end_of(self.to_date) if self.to_date else None,
        )


def is_search(text: str, *, is_exact: bool, state: str) -> bool:
    """Whether the best hits are looked for, by meaning and words.

    Only active memories are found so. In other states, the text itself is looked for.
    """
    return bool(text) and not is_exact and state in ("", "active")


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time(), timezone.get_current_timezone())


def _end_of(day: date) -> datetime:
    """The last second of a day, which has 23 or 25 hours twice a year."""
    end = datetime.combine(day, time(23, 59, 59), timezone.get_current_timezone())
    return min(end, datetime.max.replace(tzinfo=end.tzinfo) - timedelta(days=2))
