"""What the search of the whole admin (Ctrl-K) finds: memories, users, apps and keys."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from django.db.models import Model, Q
from django.db.models.functions import Left
from django.http import HttpRequest
from unfold.dataclasses import SearchResult

from accounts.models import ApiKey, User
from apps_registry.models import App
from core.admin.links import change_url
from core.admin.statement_timeout import TooSlow, limit_statements
from memories.models import Memory
from memories.search.lexemes import with_all_words

MAX_OF_EACH = 8
MAX_TEXT = 120
MAX_QUERY = 200


def find_objects(request: HttpRequest, text: str) -> list[SearchResult]:
    """Find objects that the operator may view by id, by the start of a name, or by their words."""
    text = text.strip()[:MAX_QUERY].replace("\0", "")
    if not text:
        return []
    try:
        with limit_statements():
            return [*_users(request, text), *_apps(request, text), *_keys(request, text),
                    *_memories(request, text)]  # fmt: skip
    except TooSlow:
        return []


def _may_view(request: HttpRequest, model: type[Model]) -> bool:
    meta = model._meta
    return bool(request.user.has_perm(f"{meta.app_label}.view_{meta.model_name}"))


def _users(request: HttpRequest, text: str) -> Iterator[SearchResult]:
    if _may_view(request, User):
        named = Q(user_id__istartswith=text) | Q(external_id__istartswith=text)
        for user in User.objects.filter(named | _by_id(text)).order_by("user_id")[:MAX_OF_EACH]:
            yield SearchResult(str(user), "User", change_url(user), "group")


def _apps(request: HttpRequest, text: str) -> Iterator[SearchResult]:
    if _may_view(request, App):
        apps = App.objects.filter(Q(name__istartswith=text) | _by_id(text)).order_by("name", "pk")
        for app in apps.select_related("owner")[:MAX_OF_EACH]:
            yield SearchResult(app.name, f"App of {app.owner}", change_url(app), "apps")


def _keys(request: HttpRequest, text: str) -> Iterator[SearchResult]:
    if _may_view(request, ApiKey):
        named = Q(name__istartswith=text) | Q(prefix__istartswith=text) | _by_id(text)
        keys = ApiKey.objects.filter(named).order_by("-created_at", "pk").select_related("user")
        for key in keys[:MAX_OF_EACH]:
            title = f"{key.name or 'Key'} {key.prefix}…"
            yield SearchResult(title, f"Key of {key.user}", change_url(key.user), "key")


def _memories(request: HttpRequest, text: str) -> Iterator[SearchResult]:
    if not _may_view(request, Memory):
        return
    pk = _parse_id(text)
    memories: Any = Memory.objects.all()
    memories = memories.filter(pk=pk) if pk else with_all_words(memories.undeleted(), text)
    found = memories.annotate(excerpt=Left("content", MAX_TEXT)).only("pk", "user")
    for memory in found.select_related("user").order_by("-created_at", "pk")[:MAX_OF_EACH]:
        yield SearchResult(
            memory.excerpt, f"Memory of {memory.user}", change_url(memory), "psychology"
        )


def _by_id(text: str) -> Q:
    pk = _parse_id(text)
    return Q(pk=pk) if pk else Q(pk__in=[])


def _parse_id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
