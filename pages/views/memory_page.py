"""One memory: what it says, what it was, what is around it, and who has read it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.db.models import Count, Max
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from apps_registry.acting_app import DEFAULT_APP
from apps_registry.models import App
from core.errors import Conflict, Malformed, NotAllowed, PreconditionFailed
from memories.access.history import find_history, load_entries
from memories.access.reader import Reader
from memories.lifecycle.kept_categories import NotKept
from memories.lifecycle.remember import Event, remember
from memories.lifecycle.revise import revise
from memories.models import Memory
from memories.search.context import load_contexts
from memories.search.related import find_alike, find_related
from memories.serializers import entity_tag
from pages.hit_reasons import explain_memory
from pages.memory_form import EditForm, MemoryForm, NewMemoryForm, initial_values
from pages.memory_query import MAX_QUERY
from pages.page_view import PageView
from pages.views.reads_page import describe_accesses

MAX_ENTRIES = 100
MAX_READERS = 50
RELATED = 5
PLACES = 3
READINGS = 20


class OneMemoryView(PageView):
    section = "memories"

    @cached_property
    def reader(self) -> Reader:
        """By its page, a person also sees a memory that has expired."""
        return Reader(self.subject, sees_expired=True)

    def get_memory(self, memory_id: uuid.UUID) -> Memory:
        """Raises MemoryNotFound. What is deleted is not shown any more."""
        return self.reader.memories().undeleted().with_relations().one(memory_id)


class MemoryPageView(OneMemoryView):
    def get(self, request: HttpRequest, memory_id: uuid.UUID) -> HttpResponse:
        memory = self.get_memory(memory_id)
        question = request.GET.get("question", "").strip()[:MAX_QUERY].replace("\0", "")
        places = find_history(memory, reader=self.reader)[:MAX_ENTRIES]
        context = {
            "memory": memory,
            "is_pinned": memory.metadata.get("pinned") is True,
            "history": load_entries(places, reader=self.reader),
            "around": load_contexts([memory], reader=self.reader, places=PLACES)[memory.pk],
            "related": self._related(memory),
            "readers": _readers(memory),
            "readings": describe_accesses(memory.accesses, number=READINGS),
            "question": question,
            "answer": explain_memory(memory, question, reader=Reader(self.subject))
            if question
            else None,
        }
        is_part = self.request.htmx.target == "asked"
        template = "pages/memories/asked.html" if is_part else "pages/memories/memory.html"
        return self.render(template, context)

    def _related(self, memory: Memory) -> Sequence[Memory]:
        """Those that share most categories with it, or that are alike, where it has none."""
        among = self.reader.memories().unexpired().active()
        if memory.category_names:
            related = find_related(memory, among=among)
        else:
            related = find_alike(memory, among=among, limit=RELATED)
        return list(related[:RELATED])


class EditView(OneMemoryView):
    def get(self, request: HttpRequest, memory_id: uuid.UUID) -> HttpResponse:
        memory = self.get_memory(memory_id)
        initial = {**initial_values(memory), "etag": entity_tag(memory)}
        return self._show(EditForm(initial=initial), memory)

    def post(self, request: HttpRequest, memory_id: uuid.UUID) -> HttpResponse:
        memory = self.get_memory(memory_id)
        form = EditForm(request.POST, initial=initial_values(memory))
        if not form.is_valid():
            return self._show(form, memory, status=400)
        seen = form.cleaned_data["etag"]

        def require_seen(current: Memory) -> None:
            if entity_tag(current) != seen:
                raise PreconditionFailed

        memories = self.reader.memories()
        try:
            revise(
                memory_id, form.edit(), among=memories, by=self.person, precondition=require_seen
            )
        except PreconditionFailed:
            return self._show_conflict(form, self.get_memory(memory_id))
        except (Conflict, Malformed, NotAllowed, NotKept) as error:
            _add_error(form, error)
            return self._show(form, memory, status=409)
        self.say(_("The memory was changed."))
        return HttpResponseRedirect(reverse("pages:memory", args=[memory_id]))

    def _show_conflict(self, form: EditForm, memory: Memory) -> HttpResponse:
        """Show what somebody else has made of it, and keep what the person wrote."""
        data = {name: form.data.get(name) for name in form.fields}
        again = EditForm({**data, "etag": entity_tag(memory)}, initial=initial_values(memory))
        again.is_valid()
        return self._show(again, memory, status=412, is_stale=True)

    def _show(
        self, form: EditForm, memory: Memory, *, status: int = 200, is_stale: bool = False
    ) -> HttpResponse:
        context = {"form": form, "memory": memory, "is_stale": is_stale}
        return self.render("pages/memories/edit.html", context, status=status)


class NewMemoryView(PageView):
    section = "memories"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._show(NewMemoryForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = NewMemoryForm(request.POST)
        if not form.is_valid():
            return self._show(form, status=400)
        try:
            app = App.objects.get_or_create_active(self.subject, name=DEFAULT_APP)
            stored = remember(form.new_memory(), user=self.subject, app=app, by=self.person)
        except (Conflict, Malformed, NotAllowed, NotKept) as error:
            _add_error(form, error)
            return self._show(form, status=409)
        is_known = stored.event == Event.DUPLICATE
        self.say(_("This was known already.") if is_known else _("The memory was stored."))
        return HttpResponseRedirect(reverse("pages:memory", args=[stored.memory.pk]))

    def _show(self, form: NewMemoryForm, *, status: int = 200) -> HttpResponse:
        return self.render("pages/memories/new.html", {"form": form}, status=status)


def _add_error(form: MemoryForm, error: Conflict | Malformed | NotAllowed | NotKept) -> None:
    field = error.field if isinstance(error, Malformed) else None
    text = _(error.detail)
    if isinstance(error, NotKept):
        text = _("You keep no memories of the category %(names)s: nothing was stored.")
        text %= {"names": ", ".join(error.categories)}
    form.add_error(field if field in form.fields else None, text)


def _readers(memory: Memory) -> Sequence[Any]:
    """Which app read it how often, and when last: the latest first."""
    accesses = memory.accesses.order_by().values("app__name", "app_id")
    counted = accesses.annotate(times=Count("pk"), last=Max("accessed_at"))
    return list(counted.order_by("-last")[:MAX_READERS])
