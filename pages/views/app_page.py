"""The apps of a person: what each stored and read, and what it may."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, OuterRef, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import ApiKey
from apps_registry.models import AccessRule, App, Effect
from core.errors import Malformed
from memories.access.reader import Reader
from memories.access.rules import create_rule, delete_rule
from memories.models import Access, Memory, StateChange
from memories.search import Cutoffs, find_hits
from pages.memory_query import MAX_QUERY
from pages.page_view import PageView

MAX_APPS = 200
MOST_READ = 10
MAX_RULES = 200
CHOICES = 25

# When an app stored its latest memory: what that tells may have been said long before.
LAST_STORED = (
    Memory.objects.filter(app=OuterRef("pk"))
    .order_by("-arrival")
    .values(
        at=Subquery(
            StateChange.objects.filter(memory=OuterRef("pk"), old_state="")
            .order_by()
            .values("changed_at")[:1]
        )
    )[:1]
)


class UnknownRule(Malformed):
    """A rule allows or denies: everything, or the memories that are chosen."""


class AppsView(PageView):
    section = "apps"

    def get(self, request: HttpRequest) -> HttpResponse:
        apps = App.objects.owned_by(self.subject).with_counts().with_last_access()
        apps = apps.annotate(last_stored=Subquery(LAST_STORED))
        found: list[Any] = list(apps.order_by("name")[: MAX_APPS + 1])
        restricted = set(AccessRule.objects.filter(app__in=found).values_list("app", flat=True))
        last_used = dict(
            ApiKey.objects.filter(user=self.subject)
            .exclude(app_name="")
            .values_list("app_name")
            .annotate(Max("last_used_at"))
        )
        rows = [
            (
                app,
                _latest(last_used.get(app.name), app.last_stored, app.last_accessed),
                app.pk in restricted,
            )
            for app in found[:MAX_APPS]
        ]
        # Those that were seen last come first, and those that never were last of all.
        rows.sort(key=lambda row: (row[1] is None, -(row[1].timestamp() if row[1] else 0)))
        context = {"rows": rows, "is_full": len(found) > MAX_APPS}
        return self.render("pages/apps/list.html", context)


class OneAppView(PageView):
    section = "apps"

    @cached_property
    def app(self) -> App:
        """Raises AppNotFound."""
        apps = App.objects.owned_by(self.subject).with_usage()
        return apps.get_by_id(self.kwargs["app_id"])

    def return_to_app(self) -> HttpResponse:
        return HttpResponseRedirect(reverse("pages:app", args=[self.app.pk]))


class AppView(OneAppView):
    def get(self, request: HttpRequest, app_id: uuid.UUID) -> HttpResponse:
        app = self.app
        question = request.GET.get("q", "").strip()[:MAX_QUERY].replace("\0", "")
        rules = AccessRule.objects.filter(app=app).order_by("created_at", "id")
        general = list(rules.filter(memory_id=None))
        single = list(rules.exclude(memory_id=None)[: MAX_RULES + 1])
        readable = Reader(self.subject, app).memories().active()
        context = {
            "app": app,
            "denies_all": next((rule for rule in general if rule.effect == Effect.DENY), None),
            "rules": self._with_memories(single[:MAX_RULES]),
            "is_full": len(single) > MAX_RULES,
            "allows_single": any(rule.effect == Effect.ALLOW for rule in single),
            "readable_count": readable.count(),
            "keys": list(ApiKey.objects.filter(user=self.subject, app_name=app.name).valid()[:20]),
            "most_read": _most_read(app, self.reader),
            "question": question,
            "hits": self._find(question) if question else [],
        }
        return self.render("pages/apps/app.html", context)

    def _with_memories(self, rules: Sequence[AccessRule]) -> list[tuple[AccessRule, Memory | None]]:
        memories = self.reader.memories().in_bulk([rule.memory_id for rule in rules])
        return [(rule, memories.get(rule.memory_id)) for rule in rules]

    def _find(self, question: str) -> list[Memory]:
        result = find_hits(question, reader=self.reader, cutoffs=Cutoffs(top_k=CHOICES))
        return [hit.memory for hit in result.hits]


class AppStateView(OneAppView):
    def post(self, request: HttpRequest, app_id: uuid.UUID) -> HttpResponse:
        is_active = request.POST.get("do") == "resume"
        App.objects.owned_by(self.subject).get_by_id(app_id).set_active(is_active)
        name = {"name": self.app.name}
        paused = _("%(name)s is paused: it can neither read nor store.") % name
        self.say(_("%(name)s can read and store again.") % name if is_active else paused)
        return self.return_to_app()


class NewRulesView(OneAppView):
    def post(self, request: HttpRequest, app_id: uuid.UUID) -> HttpResponse:
        effect, _space, scope = request.POST.get("do", "").partition(" ")
        if effect not in Effect.values:
            raise UnknownRule
        memories = self.reader.memories()
        if (effect, scope) == (Effect.DENY, "all"):
            create_rule(app=self.app, effect=effect, memory_id=None, among=memories)
            self.say(_("%(name)s may read nothing any more.") % {"name": self.app.name})
            return self.return_to_app()
        ids = [memory.pk for memory in memories.exactly(self._chosen())]
        for memory_id in ids:
            create_rule(app=self.app, effect=effect, memory_id=memory_id, among=memories)
        if not ids:
            self.say(_("Nothing was selected."))
        else:
            text = ngettext(
                "The rule for %(count)d memory holds.", "The rules for %(count)d memories hold.",
                len(ids),
            )  # fmt: skip
            self.say(text % {"count": len(ids)})
        return self.return_to_app()

    def _chosen(self) -> set[uuid.UUID]:
        values = self.request.POST.getlist("ids")
        if len(values) > CHOICES:
            raise UnknownRule
        try:
            return {uuid.UUID(value) for value in values}
        except ValueError:
            raise UnknownRule from None


class DeleteRuleView(OneAppView):
    def post(self, request: HttpRequest, app_id: uuid.UUID, rule_id: uuid.UUID) -> HttpResponse:
        delete_rule(rule_id, app=self.app)
        self.say(_("The rule is gone."))
        return self.return_to_app()


def _latest(*moments: datetime | None) -> datetime | None:
    return max((moment for moment in moments if moment), default=None)


def _most_read(app: App, reader: Reader) -> Sequence[Any]:
    """The memories that it has read most often, each with its number of `times`."""
    counted = Access.objects.filter(app=app).order_by().values_list("memory")
    # By the log alone, which one index answers: what is deleted is then left out of some more.
    most = counted.annotate(times=Count("app")).order_by("-times", "memory")[: 5 * MOST_READ]
    times = dict(most)
    memories: Any = reader.memories().undeleted().in_bulk(times)
    found = [memories[pk] for pk in times if pk in memories][:MOST_READ]
    for memory in found:
        memory.times = times[memory.pk]
    return found
